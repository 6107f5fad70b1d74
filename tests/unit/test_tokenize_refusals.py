"""What tokenize refuses, and in which words."""

import pytest
from conftest import SPORT

from potstill.errors import InputError, OptionError
from potstill.tokenize import TokenizeConfig, tokenize_table
from tests.headlines import noisy_rows, write_table

FEW = [("国足", "体育"), ("央行", "财经")]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (FEW, {}, "too few for"),
        ([(text, "体育") for text in SPORT], {}, "with 1 label; a classifier needs two"),
        ([(text, None) for text in SPORT], {}, "with 0 labels; .*--label-column ''"),
        ([(" ", "体育")], {}, "no text is left of 1 rows: 1 are empty"),
        ([("国足", "体育"), ("国足", "财经")], {}, "2 contradict"),
        (noisy_rows(200), {"label_column": "tag"}, "label column 'tag' is missing"),
        (noisy_rows(200), {"labelled_rows": 1}, "no training row has the label"),
        (noisy_rows(200), {"columns": "label,text"}, "names its columns itself"),
        ([(f"t{i}", f"l{i}") for i in range(10_001)], {}, "over 10000 values"),
        (noisy_rows(200), {"vocabulary_min_count": 10**6}, "no piece is seen 1000000 times"),
        (
            [*noisy_rows(200), ("a", " x\x00"), ("b", "x\x00\n"), ("c", "y\nz"), ("d", "\x85w\x9f")],
            {},
            r"labels hold control characters: 'w\\x9f' in 1 row, 'x\\x00' in 2 rows, 'y\\nz' in 1 row; mend those rows",
        ),
        (
            [*noisy_rows(200), ("a", "体育| x\ty"), ("b", "x\ty|财经\x7f")],
            {"label_separator": "|"},
            r"'x\\ty' in 2 rows, '财经\\x7f' in 1 row;",
        ),
        ([(f"t{i}", f"l\x01{i}") for i in range(1_001)], {}, r"'l\\x010' in 1 row, .* and 996 more;"),
    ],
)
def test_refusals(tmp_path, tokenizer_folder, rows, options, message):
    data = write_table(tmp_path / "t.jsonl", rows)
    with pytest.raises(InputError, match=message):
        tokenize_table(data, tokenizer_folder, tmp_path / "out", TokenizeConfig(**options))


def test_refuses_texts_longer_than_the_model(tmp_path, tiny_checkpoint):
    with pytest.raises(InputError, match="reads at most 64 tokens; pass --max-length 64 or less, got 65"):
        tokenize_table(tmp_path, tiny_checkpoint, tmp_path / "out", TokenizeConfig(max_length=65))


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_refuses_a_folder_without_a_tokenizer(tmp_path, content):
    data = write_table(tmp_path / "t.jsonl", noisy_rows(100))
    (tmp_path / "start").mkdir()
    if content is not None:
        (tmp_path / "start" / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match="import"):
        tokenize_table(data, tmp_path / "start", tmp_path / "out", TokenizeConfig())


@pytest.mark.parametrize(
    "options", [{"test_share": 1.0}, {"validation_share": -0.1}, {"max_length": 2}, {"labelled_rows": -1}, {"no": 1}]
)
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(OptionError):
        TokenizeConfig(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"text_column": "label"},
            r"^label_column must be another column than text_column, got 'label' for both; .*''",
        ),
        ({"text_column": ""}, r"^text_column must name the column of the texts, got ''$"),
        ({"text_column": "", "label_column": ""}, r"^text_column must name the column of the texts, got ''$"),
        ({"columns": ","}, "^columns must name every column, got ',';"),
        ({"columns": "text,,label"}, "^columns must name every column"),
        ({"columns": "text, label,text"}, "^columns must name each column differently, got 'text, label,text'$"),
    ],
)
def test_columns_that_cannot_be_read_are_refused_when_the_config_is_built(options, message):
    with pytest.raises(OptionError, match=message):
        TokenizeConfig(**options)


def test_start_is_looked_for_before_the_table_is_read(tmp_path, tokenizer_folder):
    (tmp_path / "file").write_text("x")
    for start, message in ((tmp_path / "none", "none does not exist; wanted is"), (tmp_path / "file", "is no folder")):
        with pytest.raises(InputError, match=message):
            tokenize_table(tmp_path / "no-table", start, tmp_path / "out", TokenizeConfig())
    with pytest.raises(InputError, match="data is empty"):
        tokenize_table("", tokenizer_folder, tmp_path / "out", TokenizeConfig())
