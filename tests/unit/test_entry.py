"""A process of the command line: Ctrl-C at any time, a locale that knows ASCII alone, and bytes that are no text."""

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import example_texts

from potstill.artifacts import TOKENS, UNSEALED, expect


# command: a module that is loaded on the way
@pytest.mark.parametrize(
    ("module", "loaded"),
    [
        ("potstill", "tyro"),
        ("potstill.tokenize", "pydantic"),
        ("potstill.distill", "numpy"),
        ("pipelines.compress", "yaml"),
        ("pipelines.assisted", "yaml"),
        ("pipelines.export_only", "kfp"),
        ("pipelines.compile", "yaml"),
    ],
)
def test_ctrl_c_while_libraries_load_is_one_line(module, loaded, pytestconfig):
    arguments = ["distill", "--help"] if module == "potstill" else ["--help"]
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", module, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=pytestconfig.rootpath,
    ) as process:
        assert any(line.rpartition("|")[2].strip().startswith(loaded) for line in process.stderr)
        process.send_signal(signal.SIGINT)
        told = [line for line in process.stderr if not line.startswith("import time:")]
    assert (process.returncode, told) == (130, ["potstill: stopped; nothing had been begun\n"])


def test_ctrl_c_while_a_stage_works_leaves_nothing_behind(tmp_path, tiny_tokens, tiny_checkpoint):
    command = [sys.executable, "-m", "potstill.teacher_train", "--epochs", "1000", "--patience", "0"]
    folders = ["--tokens", str(tiny_tokens), "--start", str(tiny_checkpoint), "--teacher", str(tmp_path / "out")]
    with subprocess.Popen([*command, *folders], stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "out" / UNSEALED).exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(1)  # into the training
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130
    assert told.splitlines()[-1] == "potstill: stopped; run the same command again"
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "potstill", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_chinese_paths_work_where_the_locale_knows_ascii_alone(tmp_path, tokenizer_folder):
    folder = tmp_path / "运行"
    folder.mkdir()
    rows = "".join(f"{text},{'体育财经'[2 * label :][:2]}\n" for text, label in zip(*example_texts(60), strict=True))
    (folder / "标题.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    ascii_alone = {"LC_ALL": "POSIX", "LANG": "C", "PYTHONUTF8": "0"}
    arguments = ("tokenize", "--data", folder / "标题.csv", "--start", tokenizer_folder, "--tokens", folder / "词元")
    done = run(*arguments, **ascii_alone)
    assert done.returncode == 0, done.stderr
    assert expect(folder / "词元", TOKENS).meaning["labels"] == ["体育", "财经"]
    refused = run("prune", "--student", folder, "--tokens", folder, "--pruned", folder / "小", **ascii_alone)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"{folder} has no artifact.json" in refused.stderr


def test_help_is_printed_where_standard_output_knows_ascii_alone():
    told = run("prune", "--help", PYTHONIOENCODING="ascii")
    assert (told.returncode, told.stderr) == (0, "")
    assert "student \\u2192 fewer heads" in told.stdout


def test_an_argument_that_is_no_text_is_refused_in_one_line(tmp_path):
    path = os.fsdecode(b"gbk-\xd6\xd0.csv")
    refused = run("tokenize", "--data", path, "--start", tmp_path, "--tokens", tmp_path / "out")
    assert refused.returncode == 2
    assert refused.stderr == "potstill: error: gbk-\\xd6\\xd0.csv is not UTF-8; rename it, or pass it in UTF-8\n"
