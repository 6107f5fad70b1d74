"""Every artifact is what its stage makes, of what its stage cannot do without."""

import shutil

import pytest

from potstill.commands import IMPORTS, STAGES
from potstill.errors import ArtifactError
from potstill.evidence import layout
from potstill.evidence.whole import evidence_of
from tests.released import make_release
from tests.unit.test_evidence_whole import forge


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("making"))


def without(*names):
    return lambda body: [body["inputs"].pop(each) for each in names]


def by(stage):
    return lambda body: body["made_by"].update(stage=stage)


def swap(body):
    inputs = body["inputs"]
    inputs["tokens"], inputs["student"] = inputs["student"], inputs["tokens"]


FORGED = {
    "of distill was made without teacher, and that": ("distill", without("teacher")),
    "of teacher-train was made without start, tokens": ("teacher-train", without("start", "tokens")),
    "of anything was made by no stage that makes artifacts": ("validate", by("anything")),
    "of validate is not what that stage makes, which is report/v1": ("qat", by("validate")),
    "of teacher-ensemble is not what that stage makes": ("definition", by("teacher-ensemble")),
    "and that stage reads no artifact": ("teacher-train", by("import-checkpoint")),
    "of import-data has no file": ("import-data", lambda body: body.update(files=[])),
    "read checkpoint/v1 as tokens; wanted there is tokens/v1": ("prune", swap),
}


@pytest.mark.parametrize("said", FORGED)
def test_what_a_stage_cannot_have_made_is_refused(released, tmp_path, said):
    copy = shutil.copytree(released, tmp_path / "copy")
    forge(copy, *FORGED[said])
    with pytest.raises(ArtifactError) as refused:
        evidence_of(copy)
    assert said in str(refused.value)


def test_every_command_that_makes_artifacts_is_known():
    assert {*STAGES, *IMPORTS, "definition", "gate"} == {*layout.STAGES, *layout.AFTER}


@pytest.mark.parametrize(("stage", "kind", "fits"), [("qat", "checkpoint/v1", 1), ("qat", "onnx/v1", 0), ("x", "x", 0)])
def test_a_stage_makes_one_kind(stage, kind, fits):
    assert layout.makes(stage, kind) == bool(fits)
