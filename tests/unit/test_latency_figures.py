"""A latency table that was measured elsewhere: sealed as it is, or refused in one line."""

import json
from dataclasses import asdict

import pytest

from potstill.artifacts import LATENCY, expect
from potstill.cli import main
from potstill.errors import InputError, OptionError
from potstill.latency_table import LatencyTableConfig, measure_latencies
from potstill.latency_table.table import Check, LatencyTable, parse_table, read_table, write_table

FIGURES = {
    "family": "bert",
    "hidden": 32,
    "head_size": 8,
    "length": 32,
    "format": "coreml_float16",
    "threads": 1,
    "processor": "iPhone 15, Neural Engine",
    "base_ms": 0.3,
    "attention": {"4": 0.4, "1": 0.2},
    "ffn": {"64": 0.9, "16": 0.1},
}


@pytest.fixture
def figures(tmp_path):
    """Write a table as a user would, with some of its fields changed; → the file."""

    def written(text=None, **changed):
        file = tmp_path / "phone.json"
        given = {name: value for name, value in {**FIGURES, **changed}.items() if value is not None}
        file.write_text(json.dumps(given) if text is None else text, encoding="utf-8")
        return file

    return written


def test_a_table_of_a_phone_is_sealed(tmp_path, tiny_checkpoint, figures):
    measures = measure_latencies(tiny_checkpoint, tmp_path / "latency", LatencyTableConfig(), from_json=figures())
    artifact = expect(tmp_path / "latency", LATENCY)
    assert artifact.meaning["from_json"] is True
    assert artifact.meaning["processor"] == FIGURES["processor"]
    assert read_table(artifact.path) == parse_table(figures())
    assert list(read_table(artifact.path).attention) == [1, 4]  # in order, whatever it was in the file
    assert measures == {"base_ms": 0.3, "model_ms": pytest.approx(0.3 + 2 * 0.4 + 2 * 0.9)}


def test_the_same_figures_give_the_same_digest(tmp_path, tiny_checkpoint, figures):
    for name in ("one", "two"):
        measure_latencies(tiny_checkpoint, tmp_path / name, LatencyTableConfig(), from_json=figures())
    assert expect(tmp_path / "one", LATENCY).digest == expect(tmp_path / "two", LATENCY).digest


def test_the_command_line_seals_a_table(tmp_path, tiny_checkpoint, figures, capsys):
    given = ["--model", tiny_checkpoint, "--latency", tmp_path / "latency", "--from-json", figures()]
    assert main(["latency-table", *map(str, given)]) == 0
    assert "model_ms" in capsys.readouterr().out


def test_options_of_a_measurement_that_is_not_made_are_refused(tmp_path, tiny_checkpoint, figures):
    config = LatencyTableConfig(length=64, format="int8")
    with pytest.raises(OptionError, match="leave out length, format"):
        measure_latencies(tiny_checkpoint, tmp_path / "latency", config, from_json=figures())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"hidden": 64}, "hidden is 32, in the table 64"),
        ({"head_size": 16}, "head_size is 8, in the table 16"),
        ({"family": "mobilebert"}, "family is bert, in the table mobilebert"),
        ({"attention": {"2": 1.0}}, "a layer has 4 heads, the table goes to 2"),
        ({"ffn": {"32": 1.0}}, "a layer has 64 neurons, the table goes to 32"),
        ({"family": "gpt"}, "family must be one of bert, mobilebert, got 'gpt'"),
        ({"ffn": {}}, "ffn"),
        ({"ffn": {"many": 1.0}}, "many"),
        ({"ffn": {"0": 1.0}}, "ffn"),
        ({"base_ms": -1}, "base_ms should be greater than or equal to 0, got -1"),
        ({"base_ms": float("nan")}, "base_ms should be a finite number"),
        ({"attention": {"4": "quick"}}, "attention.4"),
        ({"base_ms": None, "threads": None}, "threads, base_ms missing"),
        ({"note": "by hand"}, "note unknown"),
        ({"base_ms": True}, "base_ms True"),
        ({"base_ms": "0.3"}, "base_ms '0.3'"),
        ({"attention": {"4": 0.4, "04": 9.0}}, "attention '04'"),
        ({"ffn": {"16": 0.9, "64": 0.1}}, "ffn must not fall with size, got 0.9 ms for 16 and 0.1 for 64"),
        ({"base_ms": 0, "attention": {"4": 0}, "ffn": {"64": 0}}, "must take some time"),
        ({"check": [{"layers": 1}]}, "check.0"),
    ],
)
def test_figures_that_are_not_as_they_must_be_are_refused(tmp_path, tiny_checkpoint, figures, changed, told):
    with pytest.raises(InputError) as refused:
        measure_latencies(tiny_checkpoint, tmp_path / "latency", LatencyTableConfig(), from_json=figures(**changed))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "latency").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "\udcff", "[" * 100_000])
def test_a_file_that_is_no_table_is_refused(figures, tmp_path, text):
    file = figures()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="wanted is a latency table"):
        parse_table(file)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        parse_table(tmp_path / "nowhere.json")


def test_a_table_comes_back_as_it_was_written(tmp_path):
    table = LatencyTable(**FIGURES, check=[Check(1, [4], [64], 1.25, 1.0)])
    write_table(table, tmp_path)
    assert read_table(tmp_path) == table
    assert read_table(tmp_path).check[0].error == 0.25
    assert asdict(table)["attention"] == {1: 0.2, 4: 0.4}
