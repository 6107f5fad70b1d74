import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from potstill.data import table_formats
from potstill.data.table_columns import RAW_SCHEMA, Columns
from potstill.data.tables import count_rows, digest_of, stream_table, table_files, table_on_disk
from potstill.errors import InputError

ROWS = [('国足"热身"赛', "体育"), ("央行，下调", "财经"), ("NA", "007"), ("", "体育"), ("两 格", "")]
BOTH = Columns("text", "label")


def rows_of(source, columns=BOTH):
    batches = list(stream_table(table_on_disk(source), columns))
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


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "tsv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_a_file_without_an_ending_is_what_it_holds(tmp_path, ending):
    form, _, packed = ending.partition(".")
    named = tmp_path / f"t.{form}"
    if form == "parquet":
        pq.write_table(pa.table({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}), named)
    else:
        write(named, form)
    handed = tmp_path / "texts"  # as KFP names an Output[Dataset]
    handed.write_bytes(gzip.compress(named.read_bytes()) if packed else named.read_bytes())
    assert rows_of(handed) == ROWS
    assert count_rows(table_on_disk(handed)) == len(ROWS)


def test_a_file_without_an_ending_counts_only_where_it_is_all_that_is_given(tmp_path):
    write(tmp_path / "a.csv", "csv")
    (tmp_path / "LICENSE").write_text("text,label\n")
    assert rows_of(tmp_path) == ROWS


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
    batches = list(stream_table(table_on_disk(tmp_path / "t.csv"), BOTH))
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
        list(stream_table(table_on_disk(tmp_path / name), BOTH))
    assert "\n" not in str(refused.value)


def test_refuses_names_for_files_that_name_their_columns(tmp_path):
    with pytest.raises(InputError, match="names its columns itself"):
        list(
            stream_table(
                table_on_disk(write(tmp_path / "t.jsonl", "jsonl")), Columns("text", "label", ("text", "label"))
            )
        )


def test_refuses_missing_and_empty_folders(tmp_path):
    for path, message in ((tmp_path / "no", "does not exist"), (tmp_path, "holds no table")):
        with pytest.raises(InputError, match=message):
            table_files(path)


def test_digest_follows_content_and_names_and_nothing_else(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "1.csv", "csv")
        write(tmp_path / name / "2.tsv", "tsv")
    assert digest_of(table_on_disk(tmp_path / "a")) == digest_of(table_on_disk(tmp_path / "b"))
    assert (
        digest_of(table_on_disk(tmp_path / "a" / "1.csv"))
        == digest_of(table_on_disk(tmp_path / "b" / "1.csv"))
        != digest_of(table_on_disk(tmp_path / "a" / "2.tsv"))
    )
    (tmp_path / "b" / "2.tsv").rename(tmp_path / "b" / "3.tsv")
    assert digest_of(table_on_disk(tmp_path / "a")) != digest_of(table_on_disk(tmp_path / "b"))


def write_twice(folder, form):
    """A table with two columns `text`."""
    path = folder / f"t.{form}"
    if form == "parquet":
        texts = pa.array(["a", "b"])
        pq.write_table(pa.Table.from_arrays([texts, texts, texts], ["text", "text", "label"]), path)
    else:
        mark = {"csv": ",", "tsv": "\t"}.get(form)
        lines = (
            [mark.join(["text", "text", "label"]), mark.join("abc")]
            if mark
            else ['{"text":"a","text":"b","label":"c"}']
        )
        path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_a_column_that_is_there_twice_is_refused(tmp_path, form):
    with pytest.raises(InputError, match=r"text column 'text' stands 2 times; .*Rename|was specified twice") as refused:
        list(stream_table(table_on_disk(write_twice(tmp_path, form)), BOTH))
    assert "\n" not in str(refused.value)


def test_without_another_column_none_is_advised(tmp_path):
    (tmp_path / "t.csv").write_text("text\na\n")
    with pytest.raises(
        InputError, match=r'columns are: text\. Pass --label-column "" when there are no labels, or --col'
    ):
        list(stream_table(table_on_disk(tmp_path / "t.csv"), BOTH))


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
@pytest.mark.parametrize("indexed", [False, True])
def test_no_number_is_no_label(tmp_path, kind, indexed):
    def write(values):
        labels = pa.array(np.array(values, kind.to_pandas_dtype()))
        labels = labels.cast(pa.float64()).dictionary_encode() if indexed else labels
        pq.write_table(pa.table({"text": ["x"] * len(values), "label": labels}), tmp_path / "t.parquet")
        return tmp_path / "t.parquet"

    assert [label for _, label in rows_of(write([0.0, float("nan"), 1.5]))] == ["0", None, "1.5"]
    for endless in (float("inf"), -float("inf")):
        with pytest.raises(InputError, match="label column 'label' holds inf; wanted are names or finite numbers"):
            rows_of(write([0.0, endless, float("nan")]))


def test_no_number_in_json_is_no_label(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"text":"a","label":1.5}\n{"text":"b","label":NaN}\n')
    assert rows_of(tmp_path / "t.jsonl") == [("a", "1.5"), ("b", None)]


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("packed", [False, True], ids=["", "gz"])
def test_a_byte_order_mark_gives_the_encoding_away(tmp_path, form, encoding, packed):
    content = write(tmp_path / f"t.{form}", form).read_text(encoding="utf-8").encode(encoding)
    path = tmp_path / (f"u.{form}.gz" if packed else f"u.{form}")
    path.write_bytes(gzip.compress(content) if packed else content)
    name = encoding.upper()
    for read in (rows_of, lambda path: count_rows(table_on_disk(path))):
        with pytest.raises(InputError, match=rf"is {name}, not UTF-8; convert it: iconv -f {name} -t UTF-8$"):
            read(path)


def test_broken_text_in_parquet_is_refused(tmp_path):
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xb9\xfa")])
    pq.write_table(pa.table({"text": broken, "label": ["a"]}), tmp_path / "t.parquet")
    for read in (rows_of, lambda path: count_rows(table_on_disk(path))):
        with pytest.raises(InputError, match=r"is not UTF-8 .*; write its texts as UTF-8"):
            read(tmp_path / "t.parquet")


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
def test_how_long_a_row_may_be(tmp_path, form, monkeypatch):
    """As the card says: up to a block always, above two blocks never, wherever the row begins."""
    block = 1 << 12
    monkeypatch.setattr(table_formats, "BLOCK_BYTES", block)
    frame = {
        "csv": ("text,label\n", "{},b\n"),
        "tsv": ("text\tlabel\n", "{}\tb\n"),
        "jsonl": ("", '{{"text":"{}","label":"b"}}\n'),
    }
    head, row = frame[form]
    for before in range(0, 2 * block, 373):
        lead = row.format("a" * before)
        for size, fits in ((block, True), (2 * block + 1, False)):
            long = row.format("x" * (size - len(row.format(""))))
            (tmp_path / f"t.{form}").write_text(head + lead + long + row.format("z") * 3)
            if fits:
                assert len(rows_of(tmp_path / f"t.{form}")) == 5
            else:
                with pytest.raises(InputError, match="has a row above"):
                    rows_of(tmp_path / f"t.{form}")


def test_rows_are_counted_in_every_format(tmp_path):
    for form in ("csv", "tsv", "jsonl"):
        assert count_rows(table_on_disk(write(tmp_path / f"t.{form}", form))) == len(ROWS)
    pq.write_table(
        pa.table({"text": ["a"] * 3, "picture": [b"\xff"] * 3, "parts": [["b"]] * 3}), tmp_path / "t.parquet"
    )
    assert count_rows(table_on_disk(tmp_path / "t.parquet")) == 3
    assert count_rows(table_on_disk(tmp_path)) == 3 * len(ROWS) + 3


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet"])
def test_rows_are_counted_where_a_name_repeats(tmp_path, form):
    assert count_rows(table_on_disk(write_twice(tmp_path, form))) == (2 if form == "parquet" else 1)


def test_rows_are_counted_where_a_column_that_nobody_reads_changes_its_type(tmp_path, monkeypatch):
    monkeypatch.setattr(table_formats, "BLOCK_BYTES", 1 << 10)
    lines = [json.dumps({"text": "x" * 100, "label": "a", "score": score}) for score in [None] * 50 + [1.5, "high"] * 9]
    (tmp_path / "t.jsonl").write_text("\n".join(lines) + "\n")
    assert count_rows(table_on_disk(tmp_path / "t.jsonl")) == len(rows_of(tmp_path / "t.jsonl")) == 68


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"a,b\n" + b"1,2\n" * 99 + b"1,\xb9\xfa\n", "is not UTF-8"),
        ("t.jsonl", b'{"a":1}\n' * 99 + b'{"b":"\xb9\xfa"}\n', "is not UTF-8"),
        ("t.jsonl", b'{"a":1}\n' * 99 + b"\xe5", "is not UTF-8|cannot be read"),
        ("t.csv", b"a,b\n" + b"1,2\n" * 99 + b"1,2,3\n", "Row #101: Expected 2 columns, got 3"),
        ("t.tsv", b"a\tb\n", "has no row below its column names"),
        ("t.csv", b"", "is empty"),
    ],
)
def test_a_table_is_counted_to_its_end(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as refused:
        count_rows(table_on_disk(tmp_path))
    assert "\n" not in str(refused.value)


POOLS: list[pa.MemoryPool] = []  # a reader's thread gives its last block back when the test is long over


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_counting_holds_a_few_blocks_or_batches_at_a_time(tmp_path, form, monkeypatch):
    monkeypatch.setattr(table_formats, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(table_formats, "BATCH_ROWS", 1_000)
    rows, path = 100_000, tmp_path / f"t.{form}"
    if form == "parquet":
        texts = pa.array([f"{place:0100d}" for place in range(rows)])
        pq.write_table(pa.table({"text": texts}), path, row_group_size=5_000, use_dictionary=False)
    else:
        line = "{:0100d}\n" if form == "csv" else '{{"text":"{:0100d}"}}\n'
        path.write_text(("text\n" if form == "csv" else "") + "".join(line.format(place) for place in range(rows)))
    pool, usual = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    POOLS.append(pool)
    pa.set_memory_pool(pool)
    try:
        assert count_rows(table_on_disk(path)) == rows
    finally:
        pa.set_memory_pool(usual)
    assert 0 < pool.max_memory() < 3 << 20  # of 10 MB
