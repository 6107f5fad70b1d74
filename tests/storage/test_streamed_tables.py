"""A table in a store gives what the same table gives on a disk, and is never fetched."""

import gzip
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from potstill.artifacts import DATASET, TOKENS, UNSEALED, expect
from potstill.data import table_formats
from potstill.data.importing import ImportDataConfig, import_data
from potstill.data.table_columns import Columns
from potstill.data.tables import digest_of, stream_table, table_in_store, table_on_disk
from potstill.errors import ArtifactError, InputError
from potstill.store import objects
from potstill.store.finding import find_objects
from potstill.tokenize import TokenizeConfig, stage, tokenize_table
from tests.conftest import example_texts
from tests.s3_server import new_bucket, point_to
from tests.storage.breaking_proxy import breaking

pytestmark = pytest.mark.s3
BOTH = Columns("text", "label")
FORMS = ("csv", "tsv", "jsonl", "csv.gz", "tsv.gz", "jsonl.gz", "parquet")


@pytest.fixture(params=["radosgw", "moto"])
def bucket(request, monkeypatch):
    """An empty bucket, as `s3://bucket`."""
    point_to(request.getfixturevalue(request.param), monkeypatch)
    return new_bucket()


def write(path, count=400, picture=100):
    """Write a table in the format that its ending says."""
    texts, labels = example_texts(count)
    names = ["体育" if label else "财经" for label in labels]
    path.parent.mkdir(parents=True, exist_ok=True)
    form = path.name.partition(".")[2].removesuffix(".gz")
    if form == "parquet":
        pictures = [random.Random(0).randbytes(picture)] * count
        table = {"text": texts, "picture": pictures, "label": names}
        pq.write_table(pa.table(table), path, row_group_size=150, compression="none", use_dictionary=False)
        return path
    if form == "jsonl":
        lines = [
            json.dumps({"text": text, "label": label}, ensure_ascii=False)
            for text, label in zip(texts, names, strict=True)
        ]
    else:
        tab = "," if form == "csv" else "\t"
        lines = [f"text{tab}label", *(f"{text}{tab}{label}" for text, label in zip(texts, names, strict=True))]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.name.endswith(".gz") else content)
    return path


def upload(path, uri):
    """Put a file, or all files of a folder, into a bucket; return the URI."""
    import boto3

    name, _, key = uri.removeprefix("s3://").partition("/")
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    for each in files:
        below = "" if each == path else f"/{each.relative_to(path).as_posix()}"
        boto3.client("s3").upload_file(str(each), name, f"{key}{below}")
    return uri


def store_of(proxy, monkeypatch):
    """Let all that follows ask through a proxy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)


def tokenized(data, out, start, **options):
    tokenize_table(data, start, out, TokenizeConfig(**options))
    return expect(out, TOKENS).digest


@pytest.mark.parametrize("form", FORMS)
def test_an_object_gives_the_same_tokens_as_the_file(bucket, tmp_path, tokenizer_folder, monkeypatch, form):
    """In blocks of 4 KiB, so that rows lie across requests."""
    monkeypatch.setattr(objects, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(table_formats, "BLOCK_BYTES", 1 << 12)
    file = write(tmp_path / f"t.{form}")
    uri, digest = upload(file, f"{bucket}/a b/题.{form}"), digest_of(table_on_disk(file))
    here, there = (
        tokenized(data, tmp_path / name, tokenizer_folder, data_digest=digest)
        for name, data in (("here", file), ("there", uri))
    )
    assert here == there


def test_a_folder_gives_the_same_tokens_and_the_same_digest(bucket, tmp_path, tokenizer_folder):
    """Also where names sort otherwise than paths do, and with files that are passed over."""
    for name in ("a/1.csv", "a-b.csv", "a/2.jsonl.gz", "z.parquet", "a/.hidden.csv"):
        write(tmp_path / "in" / name, 100)
    (tmp_path / "in" / "notes.txt").write_text("no table")
    uri, digest = upload(tmp_path / "in", f"{bucket}/in"), digest_of(table_on_disk(tmp_path / "in"))
    upload(tmp_path / "in" / "a-b.csv", f"{bucket}/in2/other.csv")
    assert digest_of(table_in_store(uri, find_objects(uri))) == digest
    here = tokenized(tmp_path / "in", tmp_path / "here", tokenizer_folder, data_digest=digest)
    assert here == tokenized(f"{uri}/", tmp_path / "there", tokenizer_folder, data_digest=digest)


def test_another_digest_is_refused_and_nothing_is_left(bucket, tmp_path, tokenizer_folder):
    uri = upload(write(tmp_path / "t.csv"), f"{bucket}/t.csv")
    with pytest.raises(InputError, match=r"t\.csv has digest [0-9a-f]{64}; wanted is 00"):
        tokenized(uri, tmp_path / "out", tokenizer_folder, data_digest="00")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def dataset(tmp_path):
    """A sealed dataset/v1 of two files."""
    for name in ("1.csv", "sub/2.tsv"):
        write(tmp_path / "raw" / name, 100)
    import_data(str(tmp_path / "raw"), tmp_path / "dataset", ImportDataConfig(licence="MIT", use="open"))
    return tmp_path / "dataset"


def test_a_sealed_data_set_gives_the_same_tokens(bucket, tmp_path, tokenizer_folder, dataset):
    uri, digest = upload(dataset, f"{bucket}/dataset"), expect(dataset, DATASET).digest
    here = tokenized(dataset, tmp_path / "here", tokenizer_folder, data_digest=digest)
    assert here == tokenized(uri, tmp_path / "there", tokenizer_folder, data_digest=digest)
    made = expect(tmp_path / "there", TOKENS)
    assert made.inputs == {"data": digest}
    assert "MIT" in made.licence.expression


def test_a_sealed_token_set_gives_the_same_tokens(bucket, tmp_path, tokenizer_folder, tiny_tokens):
    uri = upload(tiny_tokens, f"{bucket}/tokens")
    here = tokenized(tiny_tokens, tmp_path / "here", tokenizer_folder, max_length=16)
    assert here == tokenized(uri, tmp_path / "there", tokenizer_folder, max_length=16)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "1.csv").unlink(), r"is not what was sealed: missing 1\.csv"),
        (lambda folder: (folder / "sub" / "new.csv").write_text("text\n"), r"extra sub/new\.csv"),
        (lambda folder: (folder / "1.csv").write_text("text\n"), r"changed 1\.csv"),
        (
            lambda folder: flip(folder / "1.csv"),
            r"changed 1\.csv \(SHA-256 .* wanted, .* found\); .*make or fetch it again",
        ),
        (lambda folder: (folder / "artifact.json").write_text("{}"), r"dataset/artifact\.json is not a manifest"),
        (lambda folder: (folder / UNSEALED).write_bytes(b""), "is unfinished"),
    ],
)
def test_what_is_not_as_it_was_sealed_is_refused_by_name(
    s3_bucket, tmp_path, tokenizer_folder, dataset, change, message
):
    change(dataset)
    with pytest.raises(ArtifactError, match=message) as refused:
        tokenized(upload(dataset, f"{s3_bucket}/dataset"), tmp_path / "out", tokenizer_folder)
    assert str(refused.value).startswith(f"{s3_bucket}/dataset")
    assert not (tmp_path / "out").exists()


def flip(path):
    """Change a byte, and not the length."""
    body = bytearray(path.read_bytes())
    body[-2] ^= 1
    path.write_bytes(body)


def test_other_sealed_kinds_and_digests_are_refused(s3_bucket, tmp_path, tokenizer_folder, dataset, tiny_checkpoint):
    upload(tiny_checkpoint, f"{s3_bucket}/checkpoint")
    with pytest.raises(ArtifactError, match=r"holds checkpoint/v1; wanted is dataset/v1 or tokens/v1"):
        tokenized(f"{s3_bucket}/checkpoint", tmp_path / "out", tokenizer_folder)
    upload(dataset, f"{s3_bucket}/dataset")
    with pytest.raises(ArtifactError, match=r"has digest .*; wanted is 00"):
        tokenized(f"{s3_bucket}/dataset", tmp_path / "out", tokenizer_folder, data_digest="00")


def test_nothing_is_put_on_the_disk_but_the_rows(s3_bucket, tmp_path, tokenizer_folder, monkeypatch):
    table, sizes, divide = tmp_path / "t.csv", [], stage.divide
    table.write_text("text,label,other\n" + "".join(f"国足{i},{i % 2},{'x' * 500}\n" for i in range(4000)))

    def noted(*given):
        divided = divide(*given)
        sizes.append(sum(each.stat().st_size for each in (tmp_path / "out").rglob("*") if each.is_file()))
        return divided

    monkeypatch.setattr(stage, "divide", noted)
    tokenized(upload(table, f"{s3_bucket}/t.csv"), tmp_path / "out", tokenizer_folder)
    assert 0 < sizes[0] < table.stat().st_size / 4


@pytest.mark.parametrize("form", ["csv", "jsonl", "csv.gz"])
def test_a_table_is_asked_for_twice_and_little_more(s3_environment, s3_bucket, tmp_path, monkeypatch, form):
    """Once for its digest and once for its rows; every range is conditional."""
    file = tmp_path / f"t.{form}"
    rows = random.Random(0)
    lines = [f"{rows.random()}{rows.random()}{number},b" for number in range(1_000_000)]
    if form == "jsonl":
        lines = ["{" + f'"text":"{line[:-2]}","label":"b"' + "}" for line in lines]
    else:
        lines.insert(0, "text,label")
    content = "\n".join(lines).encode()
    file.write_bytes(gzip.compress(content, 1) if form.endswith(".gz") else content)
    uri = upload(file, f"{s3_bucket}/t.{form}")
    with breaking(s3_environment.endpoint) as proxy:
        store_of(proxy, monkeypatch)
        table = table_in_store(uri, find_objects(uri))
        digest_of(table)
        blocks = -(-file.stat().st_size // objects.BLOCK_BYTES)
        assert len(proxy.asked) == 1 + blocks
        assert sum(map(len, stream_table(table, BOTH))) == 1_000_000
        assert blocks > 3
        assert len(proxy.asked) <= 1 + 2 * blocks + 16  # pyarrow by itself: 32 blocks for each look at the columns
        assert all(each.conditional for each in proxy.asked if each.range != "bytes=0-0")


def test_names_of_columns_are_learnt_from_a_few_blocks(s3_environment, s3_bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(table_formats, "BLOCK_BYTES", 1 << 14)
    uri = upload(write(tmp_path / "t.csv", 100_000), f"{s3_bucket}/t.csv")
    with breaking(s3_environment.endpoint) as proxy:
        store_of(proxy, monkeypatch)
        [file] = table_in_store(uri, find_objects(uri)).files
        assert table_formats.FORMATS[".csv"].names(file, ()) == ["text", "label"]
        assert len(proxy.ranges) <= 4  # of 200


def test_parquet_asks_for_the_wanted_columns_alone(s3_environment, s3_bucket, tmp_path, monkeypatch):
    uri = upload(write(tmp_path / "t.parquet", 4000, picture=1000), f"{s3_bucket}/t.parquet")
    with breaking(s3_environment.endpoint) as proxy:
        store_of(proxy, monkeypatch)
        table = table_in_store(uri, find_objects(uri))
        assert sum(map(len, stream_table(table, BOTH))) == 4000
        asked = [each.removeprefix("bytes=").split("-") for each in proxy.ranges]
        assert sum(int(last) - int(first) + 1 for first, last in asked) < 1_000_000  # of 4 MB of pictures


def test_a_pass_that_is_given_up_leaves_no_thread_behind(s3_bucket, tmp_path, monkeypatch):
    """The thread of pyarrow's reader waits for rows to be taken; when nobody does, it must be let go."""
    monkeypatch.setattr(table_formats, "BLOCK_BYTES", 1 << 14)
    uri = upload(write(tmp_path / "t.csv", 20_000), f"{s3_bucket}/t.csv")
    table = table_in_store(uri, find_objects(uri))
    for _ in range(9):  # pyarrow has eight such threads; a ninth would wait for ever
        rows = stream_table(table, BOTH)
        next(rows)
        rows.close()
    assert sum(map(len, stream_table(table, BOTH))) == 20_000


def test_an_unfinished_folder_on_a_disk_is_refused_too(tmp_path, tokenizer_folder, dataset):
    """A killed import left it; without its manifest it looked like raw tables."""
    (dataset / "artifact.json").rename(dataset / UNSEALED)
    with pytest.raises(ArtifactError, match="is unfinished"):
        tokenized(dataset, tmp_path / "out", tokenizer_folder)


def test_an_empty_object_is_told_as_an_empty_file_is(bucket, tmp_path, tokenizer_folder):
    (tmp_path / "t.csv").write_bytes(b"")
    uri = upload(tmp_path / "t.csv", f"{bucket}/t.csv")
    with pytest.raises(InputError, match=r"t\.csv is empty; wanted is a table"):
        tokenized(uri, tmp_path / "out", tokenizer_folder)


def test_objects_that_are_no_tables_are_refused(bucket, tmp_path, tokenizer_folder):
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    for uri in (upload(tmp_path / "t.xlsx", f"{bucket}/a/t.xlsx"), f"{bucket}/a"):
        with pytest.raises(InputError, match=r"holds no table; known endings are: \.csv"):
            tokenized(uri, tmp_path / "out", tokenizer_folder)
