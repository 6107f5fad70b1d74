"""`potstill validate gate`: the exit code of a shell's gate, and what it says."""

import pytest

from potstill.cli import main
from potstill.validate.budgets import read_budgets, write_verdict
from tests.report_figures import report_figures


def written(folder, verdict, failures):
    path = folder / "r.verdict.json"
    figures = {**report_figures(), "budgets": [], "verdict": verdict, "failures": failures}
    write_verdict(path, figures, read_budgets(""))
    return path


@pytest.mark.parametrize(
    ("verdict", "failures", "code", "said"),
    [
        ("pass", [], 0, "pass: onnx_int8 meets all budgets"),
        ("fail", ["max_size_mb: too large", "max_ece: too sure"], 1, "max_ece: too sure"),
        ("inconclusive", ["max_accuracy_loss: 900 rows would decide"], 1, "which is not a pass"),
    ],
)
def test_only_a_pass_ends_with_nothing(tmp_path, capsys, verdict, failures, code, said):
    assert main(["validate", "gate", str(written(tmp_path, verdict, failures))]) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", "\x00", '{"schema": "potstill/verdict/v2"}'])
def test_what_is_no_verdict_is_refused_in_one_line(tmp_path, capsys, content):
    path = tmp_path / "none.json"
    if content is not None:
        path.write_text(content)
    assert main(["validate", "gate", str(path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("potstill: error: ")
    assert told.count("\n") == 1


def test_a_folder_is_no_verdict(tmp_path, capsys):
    assert main(["validate", "gate", str(tmp_path)]) == 2
    assert "Is a directory" in capsys.readouterr().err
