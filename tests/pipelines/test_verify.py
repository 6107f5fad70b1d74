"""Proving a run that was fetched from the store."""

import shutil

import pytest

from pipelines.verify import main
from potstill.artifacts import CHECKPOINT, DATASET, REPORT, TOKENS, expect, seal
from potstill.output_folder import creating


@pytest.fixture
def fetched(tmp_path, tiny_tokens, tiny_checkpoint):
    shutil.copytree(tiny_tokens, tmp_path / "run" / "tokenize" / "1" / "tokens")
    shutil.copytree(tiny_checkpoint, tmp_path / "run" / "teacher-train" / "2" / "teacher")
    (tmp_path / "run" / "teacher-train" / "2" / "executor-logs").write_text("▸ teacher-train")
    return tmp_path / "run"


def test_every_artifact_of_a_run_is_told_by_its_digest(fetched, capsys):
    assert main([str(fetched)]) == 0
    both = capsys.readouterr()
    teacher, tokens, *outside = both.out.splitlines()
    assert all(line[64:].split()[:2] == ["from", "outside"] for line in outside)
    assert "no report is here" in both.err
    digest = expect(fetched / "teacher-train" / "2" / "teacher", CHECKPOINT).digest
    assert teacher.split() == [digest, CHECKPOINT, "teacher-train/2/teacher"]
    assert tokens.split()[1:] == [TOKENS, "tokenize/1/tokens"]


def test_a_file_of_another_attempt_is_refused(fetched, capsys):
    (fetched / "tokenize" / "1" / "tokens" / "stale").write_text("of a killed attempt")
    assert main([str(fetched)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "stale" in told[0]


def lone_line(capsys):
    (told,) = capsys.readouterr().err.splitlines()
    return told


def test_an_artifact_that_lost_its_manifest_is_refused(fetched, capsys):
    (fetched / "teacher-train" / "2" / "teacher" / "artifact.json").unlink()
    assert main([str(fetched)]) == 2
    assert "files of no sealed artifact, as teacher-train/2/teacher/" in lone_line(capsys)


@pytest.mark.parametrize("place", ["qat/3/quantized/.unsealed", "tokenize/1/tokens/.unsealed", "qat/3/model"])
def test_what_no_step_sealed_is_refused(place, fetched, capsys):
    (fetched / place).parent.mkdir(parents=True, exist_ok=True)
    (fetched / place).touch()
    assert main([str(fetched)]) == 2
    assert f"1 files of no sealed artifact, as {place}" in lone_line(capsys)


def test_what_kfp_and_validate_leave_beside_their_artifacts_is_let_be(fetched):
    for name in ("page", "markdown", "card", "figures", "judgement", "metrics", "confusion", "executor-logs"):
        (fetched / "validate" / "4").mkdir(parents=True, exist_ok=True)
        (fetched / "validate" / "4" / name).write_text("x")
    assert main([str(fetched)]) == 0


def sealed_from(path, kind, **inputs):
    with creating(path, kind):
        (path / "file").write_text(kind)
        return seal(path, kind, {"stage": "none"}, inputs, {})


def test_a_step_that_was_not_copied_is_refused_and_what_came_from_outside_is_told(tmp_path, capsys):
    run = tmp_path / "run"
    data = sealed_from(tmp_path / "data", DATASET)
    tokens = sealed_from(run / "tokenize" / "1" / "tokens", TOKENS, data=data)
    teacher = sealed_from(run / "teacher-train" / "2" / "teacher", CHECKPOINT, tokens=tokens, start=data)
    sealed_from(run / "validate" / "3" / "report", REPORT, tokens=tokens, teacher=teacher)
    assert main([str(run)]) == 0
    both = capsys.readouterr()
    assert both.out.splitlines()[3].split() == [data.digest, "from", "outside", "data"]
    assert both.err == ""
    shutil.rmtree(run / "teacher-train")
    assert main([str(run)]) == 2
    assert f"validate/3/report was made from teacher {teacher.digest}, which is not in" in lone_line(capsys)


def test_a_folder_without_a_manifest_is_no_run(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "holds no artifact.json; copy the run's prefix there" in capsys.readouterr().err
