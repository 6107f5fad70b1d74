"""Stages that are run again, one by one: equal, other, failed, taken up again; and the end that is told."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from potstill.artifacts import File, expect, read_manifest
from potstill.cli import main
from potstill.evidence.whole import evidence_of
from potstill.reproduce.given import Given
from potstill.reproduce.here import Machine
from potstill.reproduce.plan import plan_of
from potstill.reproduce.preflight import machine
from potstill.reproduce.table import conclusion, duration, lines_of
from potstill.reproduce.work import Done, Outcome, Work
from tests.released import make_release
from tests.reproducing import Originals, artifact, plan_around, reproduce_alone, seal_by_hand

EQUAL, ALIKE, DIFFERENT, FAILED, LEFT = Outcome
OTHER = "99" * 32


@pytest.fixture(scope="module")
def here():
    return Machine(**machine())


@pytest.fixture(scope="module")
def chosen(tmp_path_factory, pruned_checkpoint):
    """Another round of a pruned checkpoint, made by a process as the first run makes it."""
    folder = tmp_path_factory.mktemp("first") / "chosen"
    arguments = ["--pruned", str(pruned_checkpoint), "--chosen", str(folder), "--round", "0"]
    subprocess.run([sys.executable, "-m", "potstill.choose_round", *arguments], check=True, capture_output=True)
    return folder


def forged(chosen, folder, **changed):
    """A manifest like the first run's, but for some facts; changed: fields of the artifact or of made_by."""
    found = read_manifest(chosen)
    made_by = {name: changed.pop(name, value) for name, value in found.made_by.items()}
    return seal_by_hand(folder, replace(found, made_by=made_by, **changed))


def test_a_stage_comes_out_equal_and_is_taken_up_again(chosen, pruned_checkpoint, here, tmp_path):
    wanted = read_manifest(chosen)
    [done] = reproduce_alone(wanted, [pruned_checkpoint], tmp_path / "out", machine=here)
    assert (done.outcome, done.digest, done.told) == (EQUAL, wanted.digest, ())
    assert done.seconds > 0
    made = next((tmp_path / "out").glob("*-choose-round"))
    log = made.with_suffix(".log").read_text()
    assert "--round=0" in log.splitlines()[0]
    [again] = reproduce_alone(wanted, [pruned_checkpoint], tmp_path / "out", machine=here)
    assert (again.outcome, again.seconds) == (EQUAL, None)
    (made / "config.json").write_text("{}")
    [mended] = reproduce_alone(wanted, [pruned_checkpoint], tmp_path / "out", machine=here)
    assert mended.outcome is EQUAL
    assert mended.seconds is not None
    assert expect(made, wanted.kind).digest == wanted.digest


def test_another_file_and_another_fact_are_told(chosen, pruned_checkpoint, here, tmp_path):
    found = read_manifest(chosen)
    files = tuple(replace(each, sha256=OTHER) if each.path == "config.json" else each for each in found.files)
    meaning = {**found.meaning, "validation_accuracy": 0.75}
    wanted = forged(chosen, tmp_path / "wanted", files=(*files, File("more.json", 2, OTHER)), meaning=meaning)
    [done] = reproduce_alone(wanted, [pruned_checkpoint], tmp_path / "out", machine=here)
    assert done.outcome is DIFFERENT
    assert done.digest == found.digest
    told = "\n".join(done.told)
    assert "config.json" in told
    assert f"SHA-256 {OTHER[:12]} wanted" in told
    assert "more.json: wanted, and not made" in told
    assert "meaning.validation_accuracy: 0.75 wanted" in told
    assert not [line for line in done.told if "safetensors" in line or "made_by" in line]


def test_with_other_code_only_the_maker_may_differ(chosen, pruned_checkpoint, here, tmp_path):
    wanted = forged(chosen, tmp_path / "wanted", source=OTHER, libraries={"torch": "1.0"})
    [strict] = reproduce_alone(wanted, [pruned_checkpoint], tmp_path / "strict", machine=here)
    assert strict.outcome is DIFFERENT
    [done] = reproduce_alone(wanted, [pruned_checkpoint], tmp_path / "out", machine=here, other_code=True)
    assert done.outcome is ALIKE
    assert any("made_by.source" in line for line in done.told)
    made = next((tmp_path / "out").glob("*-choose-round"))
    assert expect(made, wanted.kind).digest == wanted.digest  # for the next stage, which reads it by that digest
    [again] = reproduce_alone(wanted, [pruned_checkpoint], tmp_path / "out", machine=here, other_code=True)
    assert (again.outcome, again.seconds, again.told) == (ALIKE, None, done.told)
    [strict] = reproduce_alone(wanted, [pruned_checkpoint], tmp_path / "out", machine=here)
    assert strict.outcome is DIFFERENT  # what was alike does not count as equal later
    meant = forged(chosen, tmp_path / "meant", source=OTHER, meaning={"round": 7})
    [other] = reproduce_alone(meant, [pruned_checkpoint], tmp_path / "meant-out", machine=here, other_code=True)
    assert other.outcome is DIFFERENT


def test_a_stage_that_refuses_says_why_and_the_rest_is_left(chosen, pruned_checkpoint, here, tmp_path):
    refusing = forged(chosen, tmp_path / "wanted", config={"round": 99})
    after = forged(chosen, tmp_path / "after", inputs={"pruned": refusing.digest})
    given = replace(read_manifest(pruned_checkpoint), inputs={})
    (tmp_path / "out").mkdir()
    plan = plan_around([refusing, after], [given], tmp_path)
    work = Work(plan, tmp_path / "out", here, Originals(None), other_code=False)
    first, second = work.run({given.digest: pruned_checkpoint})
    assert first.outcome is FAILED
    assert "round must be one of those in" in first.told[0]
    assert second == Done(after, LEFT)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return plan_of(evidence_of(make_release(tmp_path_factory.mktemp("told"))))


def told(plan, *outcomes):
    done = [
        Done(wanted, outcome, "ab" * 32, None if outcome is EQUAL else 1.25, ("x: 1 wanted, \x1b2 made",))
        for wanted, outcome in zip(plan.made, outcomes, strict=False)
    ]
    given = [Given(each, Path("/runs/inputs"), "found at /runs/inputs") for each in plan.given]
    return list(lines_of(plan, given, done, 125.0)), done


def test_every_artifact_has_a_line_at_the_end(plan):
    lines, done = told(plan, EQUAL, DIFFERENT, *[LEFT] * 7)
    for each in plan.every:
        assert sum(each.digest[:12] in line for line in lines) == 1
    assert lines[0] == f"headlines 1.0.0, {lines[0].split()[2][:12]}, reproduced in 2 min 5 s"
    assert [line[0] for line in lines if line and line[0] in "=✓✗–"] == [*"===", "✓", "✗", *"–" * 7]
    assert lines[-1] == "NOT reproduced: teacher-train came out another way; 1 of 9 stages are equal"
    assert "      x: 1 wanted, \\x1b2 made" in lines
    assert conclusion(done) == lines[-1]


@pytest.mark.parametrize(
    ("outcomes", "told_in_the_end"),
    [
        ((EQUAL, EQUAL), "reproduced: all 2 stages are equal, digest by digest"),
        ((EQUAL, FAILED), "NOT reproduced: b failed; 1 of 2 stages are equal"),
        ((ALIKE, EQUAL), "reproduced by OTHER CODE, which proves less: 1 of 2 stages are equal, digest by digest; 1 c"),
        ((ALIKE, DIFFERENT), "NOT reproduced: b came out another way; 0 of 2 stages are equal, 1 came out alike by"),
        ((DIFFERENT, LEFT), "NOT reproduced: a came out another way; 0 of 2 stages are equal"),
    ],
)
def test_the_conclusion_is_one_line(outcomes, told_in_the_end):
    done = [Done(artifact(name), outcome) for name, outcome in zip("ab", outcomes, strict=True)]
    assert conclusion(done).startswith(told_in_the_end)


def test_times_are_told_for_people():
    assert [duration(each) for each in (0.4, 59.4, 60, 3725)] == ["0 s", "59 s", "1 min 0 s", "62 min 5 s"]


@pytest.mark.parametrize("name", ["absent", "file", "empty"])
def test_what_is_no_release_is_refused_in_one_line(name, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    assert main(["reproduce", str(tmp_path / name)]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert len(said.err.splitlines()) == 1


def test_evidence_that_is_no_recipe_is_refused_before_anything_is_made(tmp_path, capsys):
    """Made-up manifests: the options that they tell are not those of the stages."""
    released = make_release(tmp_path)
    assert main(["reproduce", str(released), "--artifacts", str(tmp_path / "run"), "--out", str(tmp_path / "o")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "tokenize writes no option 'dtype', 'threads' into a manifest" in said
    assert not (tmp_path / "o").exists()


def test_a_release_without_its_definition_is_refused(tmp_path, capsys):
    released = make_release(tmp_path)
    (released / "evidence" / "definition" / "parameters.json").write_text('{"changed": 1}')
    assert main(["reproduce", str(released), "--artifacts", str(tmp_path / "run")]) == 2
    assert "parameters.json" in capsys.readouterr().err
