"""What stages fetch from an S3 store."""

import pytest

from potstill.artifacts import DATASET, TOKENS, expect
from potstill.data.importing import ImportDataConfig, import_data
from potstill.errors import InputError, PotstillError
from potstill.store.finding import fetch
from potstill.tokenize import TokenizeConfig, tokenize_table
from tests.s3_server import point_to

pytestmark = pytest.mark.s3
OBJECTS = {
    "set/a.csv": "text,label\n" + "".join(f"国足{i},体育\n央行{i},财经\n" for i in range(50)),
    "set/sub/b.csv": "text,label\n姚明,体育\n",
    "set2/c.csv": "text,label\n李娜,体育\n",
    "set/sub/": "",
    "climb/../x.csv": "text\n",
}


@pytest.fixture(params=["radosgw", "moto"])
def bucket(request, monkeypatch):
    """A filled bucket."""
    import boto3

    point_to(request.getfixturevalue(request.param), monkeypatch)
    client = boto3.client("s3")
    client.create_bucket(Bucket="texts")
    for key, body in OBJECTS.items():
        client.put_object(Bucket="texts", Key=key, Body=body.encode())
    return "texts"


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("s3://texts/set/a.csv", ["a.csv"]),
        ("s3://texts/set", ["a.csv", "sub/b.csv"]),
        ("s3://texts/set/", ["a.csv", "sub/b.csv"]),
        ("s3://texts/set2", ["c.csv"]),
    ],
)
def test_fetches_an_object_or_all_below_a_prefix(bucket, tmp_path, uri, wanted):
    (tmp_path / "got").mkdir()
    files = fetch(uri, tmp_path / "got")
    assert [file.relative_to(tmp_path / "got").as_posix() for file in files] == wanted
    root = uri.removeprefix("s3://texts/").rstrip("/")
    for file, name in zip(files, wanted, strict=True):
        key = root if root.endswith(".csv") else f"{root}/{name}"
        assert file.read_text(encoding="utf-8") == OBJECTS[key]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://texts/no", "holds no object"),
        ("s3://texts/se", "holds no object"),
        ("s3://nowhere/x", "no bucket 'nowhere'"),
        ("s3:///x", "names no bucket"),
        ("s3://texts/climb", r"has '\.\.' in its key"),
    ],
)
def test_refusals(bucket, tmp_path, uri, message):
    with pytest.raises(PotstillError, match=message):
        fetch(uri, tmp_path)


def test_refuses_without_credentials(bucket, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(InputError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        fetch("s3://texts/set", tmp_path)


def test_refuses_an_endpoint_that_does_not_answer(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(InputError, match="check AWS_ENDPOINT_URL and the network"):
        fetch("s3://texts/set", tmp_path)


def test_import_data_from_s3(bucket, tmp_path):
    import_data("s3://texts/set", tmp_path / "out", ImportDataConfig(licence="MIT", use="open"))
    made = expect(tmp_path / "out", DATASET)
    assert [file.path for file in made.files] == ["a.csv", "sub/b.csv"]
    assert made.meaning == {"name": "set", "source": "s3://texts/set"}


def test_tokenize_from_s3_is_tokenize_from_disk(bucket, tmp_path, tokenizer_folder):
    (tmp_path / "a.csv").write_text(OBJECTS["set/a.csv"], encoding="utf-8")
    for name, data in (("here", tmp_path / "a.csv"), ("there", "s3://texts/set/a.csv")):
        tokenize_table(data, tokenizer_folder, tmp_path / name, TokenizeConfig())
    assert expect(tmp_path / "here", TOKENS).digest == expect(tmp_path / "there", TOKENS).digest
