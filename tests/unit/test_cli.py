"""The command line: a map, help that teaches, one line and exit code 2 for what is refused."""

import subprocess
import sys

import pytest

from potstill.cli import main
from potstill.commands import COMMANDS, STAGES
from potstill.generated import show

MODULES = [name.replace("-", "_") for name in STAGES]


def test_the_map_names_every_stage(capsys):
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in COMMANDS)
    assert main([]) == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches_every_command(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert f"potstill {name}" in told
    assert "Args:" not in told


def test_an_unknown_command_is_refused_in_one_line(capsys):
    assert main(["destill"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("potstill: error: 'destill' is not a command; commands are: ")
    assert told.count("\n") == 1


def test_a_refused_option_is_one_line(capsys, tmp_path):
    folders = ["--student", str(tmp_path), "--tokens", str(tmp_path), "--pruned", str(tmp_path / "out")]
    assert main(["prune", *folders, "--head-sparsity", "2"]) == 2
    assert capsys.readouterr().err == "potstill: error: head_sparsity should be less than 1, got 2.0\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--rounds", "many"], "--rounds"),
        (["--speed", "9"], "--speed"),
        (["--student", "here"], "required"),
    ],
)
def test_options_that_do_not_parse_are_one_line(arguments, word, capsys):
    folders = [] if "--student" in arguments else ["--student", "a", "--tokens", "b", "--pruned", "c"]
    assert main(["prune", *folders, *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("potstill: error: ")
    assert word in told
    assert told.count("\n") == 1


def test_a_wrong_folder_is_one_line(capsys, tmp_path, tiny_tokens):
    folders = ["--student", str(tiny_tokens), "--tokens", str(tiny_tokens), "--pruned", str(tmp_path / "out")]
    assert main(["prune", *folders]) == 2
    assert "holds tokens/v1; wanted is checkpoint/v1" in capsys.readouterr().err


def test_a_stage_runs_and_tells_its_measures(capsys, tmp_path, tiny_tokens, tiny_checkpoint):
    folders = ["--start", str(tiny_checkpoint), "--tokens", str(tiny_tokens), "--teacher", str(tmp_path / "out")]
    assert main(["teacher-train", *folders, "--epochs", "1", "--threads", "1"]) == 0
    assert "validation_accuracy" in capsys.readouterr().out


def test_whole_numbers_are_shown_in_full(capsys):
    show({"bytes": 167_123_456, "rows": 2e6, "accuracy": 0.123456789, "seconds": 1234567.5, "lost": float("nan")})
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown == [
        ["bytes", "167123456"],
        ["rows", "2000000"],
        ["accuracy", "0.123457"],
        ["seconds", "1.23457e+06"],
        ["lost", "nan"],
    ]


@pytest.mark.parametrize("module", MODULES)
def test_the_interface_compiles_without_the_libraries_of_the_stage(module):
    """Importing a component's KFP interface loads neither torch nor what else the stage computes with."""
    heavy = "{'torch', 'transformers', 'onnx', 'onnxruntime', 'coremltools', 'pyarrow', 'sklearn'}"
    code = (
        f"import sys, potstill.{module}.component; "
        f"found = {heavy} & set(sys.modules); sys.exit(repr(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", MODULES)
def test_the_stage_works_where_kfp_is_absent(module):
    code = f"import sys; sys.modules['kfp'] = None; import potstill.{module}.stage"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_tokenize_needs_no_torch():
    code = "import sys; sys.modules['torch'] = None; import potstill.tokenize.stage, potstill.data.importing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("given", ["false", "False", "FALSE", "no", "0"])
def test_truth_is_read_in_any_case(given, capsys, tmp_path, tiny_tokens, tiny_checkpoint):
    folders = ["--model", str(tiny_checkpoint), "--tokens", str(tiny_tokens), "--report", str(tmp_path / "report")]
    quick = ["--latency-rows", "1", "--test-rows", "4", "--robustness-rows", "0", "--latency-lengths", "4"]
    assert main(["validate", *folders, *quick, "--footprint", given]) == 0
    said = capsys.readouterr()
    assert "cold_start_ms" not in said.out
    assert "verdict: " in said.err


def test_truth_is_shown_as_the_cards_have_it(capsys):
    with pytest.raises(SystemExit):
        main(["validate", "--help"])
    told = capsys.readouterr().out
    assert "{true,false}" in told
    assert "(default: true)" in told
    assert main(["validate", "--footprint", "maybe", "--tokens", "a", "--model", "b", "--report", "c"]) == 2
    assert "wanted is true or false, got 'maybe'" in capsys.readouterr().err
