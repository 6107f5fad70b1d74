import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from potstill.data.tables import RAW_SCHEMA, Columns, digest_of, stream_table, table_files
from potstill.errors import InputError

ROWS = [('国足"热身"赛', "体育"), ("央行，下调", "财经"), ("NA", "007"), ("", "体育"), ("两 格", "")]
BOTH = Columns("text", "label")


def rows_of(source, columns=BOTH):
    batches = list(stream_table(source, columns))
    assert all(batch.schema == RAW_SCHEMA for batch in batches)
    return [(row["text"], row["label"]) for batch in batches for row in batch.to_pylist()]


def write(path, form):
    if form == "csv":
        lines = ["text,label", *('"' + text.replace('"', '""') + f'",{label}' for text, label in ROWS)]
    elif form == "tsv":
        lines = ["text\tlabel", *(f"{text}\t{label}" for text, label in ROWS)]
    else:
        lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in ROWS]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("packed", [False, True], ids=["", "gz"])
def test_text_formats_give_the_same_rows(tmp_path, form, mark, packed):
    content = mark + write(tmp_path / f"plain.{form}", form).read_bytes()
    path = tmp_path / "in" / (f"t.{form}.gz" if packed else f"t.{form}")
    path.parent.mkdir()
    path.write_bytes(gzip.compress(content) if packed else content)
    assert rows_of(path) == ROWS


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_parquet_of_every_string_type(tmp_path, kind):
    texts, labels = zip(*ROWS, strict=True)
    table = pa.table({"other": [1] * len(ROWS), "text": pa.array(texts).cast(kind), "label": pa.array(labels)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    assert rows_of(tmp_path / "t.parquet") == ROWS


def test_a_folder_is_read_in_sorted_order_with_all_formats(tmp_path):
    (tmp_path / "b").mkdir()
    write(tmp_path / "b" / "2.jsonl", "jsonl")
    write(tmp_path / "a.csv", "csv")
    (tmp_path / "artifact.json").write_text("{}")
    (tmp_path / ".hidden.csv").write_text("x\n")
    assert [file.name for file in table_files(tmp_path)] == ["a.csv", "2.jsonl"]
    assert rows_of(tmp_path) == ROWS * 2


def test_files_without_header(tmp_path):
    (tmp_path / "t.tsv").write_text('体育\t国足\n财经\t"央行\n', encoding="utf-8")
    assert rows_of(tmp_path / "t.tsv", Columns("text", "label", ("label", "text"))) == [
        ("国足", "体育"),
        ('"央行', "财经"),
    ]


@pytest.mark.parametrize(
    ("values", "wanted"), [([1, 0], ["1", "0"]), ([True, False], ["true", "false"]), ([None, "a"], [None, "a"])]
)
def test_labels_of_any_simple_type(tmp_path, values, wanted):
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"text": "x", "label": value}) + "\n" for value in values))
    assert [label for _, label in rows_of(tmp_path / "t.jsonl")] == wanted
    pq.write_table(pa.table({"text": ["x", "x"], "label": values}), tmp_path / "t.parquet")
    assert [label for _, label in rows_of(tmp_path / "t.parquet")] == wanted


def test_without_label_column_labels_are_null(tmp_path):
    assert {label for _, label in rows_of(write(tmp_path / "t.csv", "csv"), Columns("text"))} == {None}


def test_a_long_file_comes_in_several_batches(tmp_path):
    (tmp_path / "t.csv").write_text("text,label\n" + "国足热身赛一比零取胜,体育\n" * 200_000, encoding="utf-8")
    batches = list(stream_table(tmp_path / "t.csv", BOTH))
    assert len(batches) > 1
    assert sum(map(len, batches)) == 200_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "t.csv",
            b"text,tag\na,b\n",
            r"label column 'label' is missing; columns are: text, tag\. Pass --label-column tag",
        ),
        ("t.csv", b"title,label\na,b\n", r"text column 'text' is missing; .*Pass --text-column title.*--columns"),
        ("t.jsonl", b'{"text":"a"}\n', r'label column .* is missing; .* --label-column ""'),
        ("t.csv", b"text,label\na,b\na,b,c\n", r"Row #3: Expected 2 columns, got 3"),
        ("t.tsv", b"text\tlabel\na\n", r"Row #2: Expected 2 columns, got 1"),
        ("t.csv", b"text,label\n\xb9\xfa,b\n", r"not UTF-8 .*GB18030"),
        ("t.jsonl", b'{"text":"\xb9\xfa","label":"b"}\n', r"not UTF-8 .*GB18030"),
        ("t.csv", b"", "is empty"),
        ("t.jsonl", b"", "is empty"),
        ("t.parquet", b"", "is empty"),
        ("t.parquet", b"no parquet here", "cannot be read"),
        ("t.csv.gz", b"text,label\n", "cannot be read"),
        ("t.jsonl", b'{"text":"a","label":"b"}\n{"text"\n', "cannot be read"),
        ("t.jsonl", b'[{"text":"a","label":"b"}]\n', "cannot be read"),
        ("t.csv", b'text,label\n"' + b"a" * (9 << 20), "row above 4 MiB"),
        ("t.jsonl", b'{"text":3,"label":"b"}\n', "holds int64, not text"),
        ("t.jsonl", b'{"text":"a","label":["b"]}\n', "wanted is one label a row"),
        ("t.xlsx", b"PK", r"known endings are: \.csv"),
    ],
)
def test_refusals_are_one_line_with_the_way_out(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as refused:
        list(stream_table(tmp_path / name, BOTH))
    assert "\n" not in str(refused.value)


def test_refuses_names_for_files_that_name_their_columns(tmp_path):
    with pytest.raises(InputError, match="names its columns itself"):
        list(stream_table(write(tmp_path / "t.jsonl", "jsonl"), Columns("text", "label", ("text", "label"))))


def test_refuses_missing_and_empty_folders(tmp_path):
    for path, message in ((tmp_path / "no", "does not exist"), (tmp_path, "holds no table")):
        with pytest.raises(InputError, match=message):
            table_files(path)


def test_digest_follows_content_and_names_and_nothing_else(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "1.csv", "csv")
        write(tmp_path / name / "2.tsv", "tsv")
    assert digest_of(tmp_path / "a") == digest_of(tmp_path / "b")
    assert (
        digest_of(tmp_path / "a" / "1.csv")
        == digest_of(tmp_path / "b" / "1.csv")
        != digest_of(tmp_path / "a" / "2.tsv")
    )
    (tmp_path / "b" / "2.tsv").rename(tmp_path / "b" / "3.tsv")
    assert digest_of(tmp_path / "a") != digest_of(tmp_path / "b")
