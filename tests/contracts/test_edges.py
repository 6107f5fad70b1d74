"""Every edge of the graph: a stage refuses what is of another kind, not whole, or not there, and writes nothing."""

import inspect
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from potstill.artifacts import CHECKPOINT, COREML, DATASET, ONNX, TEACHER_OUTPUTS, TOKENS, expect
from potstill.commands import STAGES
from potstill.errors import ArtifactError

# stage: (what each input reads, the output). What comes after validate reads files and keys besides, and is tested in
# tests/unit/test_release_*.py, test_sign_*.py and tests/storage/test_publish*.py.
EDGES = {
    "tokenize": ({"data": DATASET, "start": CHECKPOINT}, "tokens"),
    "teacher-train": ({"tokens": TOKENS, "start": CHECKPOINT}, "teacher"),
    "teacher-cache": ({"teacher": CHECKPOINT, "tokens": TOKENS, "unlabelled": TOKENS}, "outputs"),
    "teacher-ensemble": ({"members": TEACHER_OUTPUTS, "tokens": TOKENS}, "outputs"),
    "distill": (
        {
            "teacher": CHECKPOINT,
            "tokens": TOKENS,
            "teacher_outputs": TEACHER_OUTPUTS,
            "start": CHECKPOINT,
            "unlabelled": TOKENS,
        },
        "student",
    ),
    "latency-table": ({"model": CHECKPOINT}, "latency"),
    "prune": ({"student": CHECKPOINT, "tokens": TOKENS}, "pruned"),
    "choose-round": ({"pruned": CHECKPOINT}, "chosen"),
    "qat": ({"student": CHECKPOINT, "tokens": TOKENS, "teacher": CHECKPOINT}, "quantized"),
    "onnx-export": ({"model": CHECKPOINT, "tokens": TOKENS}, "onnx"),
    "coreml-export": ({"model": CHECKPOINT, "tokens": TOKENS}, "package"),
    "validate": (
        {
            "tokens": TOKENS,
            "model": CHECKPOINT,
            "onnx": ONNX,
            "package": COREML,
            "teacher": CHECKPOINT,
            "student": CHECKPOINT,
            "pruned": CHECKPOINT,
        },
        "report",
    ),
}
INPUTS = [
    (stage, name) for stage, (inputs, _) in EDGES.items() for name in inputs if (stage, name) != ("tokenize", "data")
]


def stage_of(name):
    module, function, _ = STAGES[name]
    return import_module(module), getattr(import_module(module), function)


def call(stage, folders):
    module, function = stage_of(stage)
    config = getattr(module, next(name for name in module.__all__ if name.endswith("Config")))
    return function(**folders, config=config())


@pytest.fixture(scope="session")
def right(tiny_tokens, tiny_checkpoint, teacher_outputs):
    """A whole folder of each kind; of what some stage reads several of, several."""
    checkpoint = (tiny_checkpoint,)
    return {TOKENS: (tiny_tokens,), CHECKPOINT: checkpoint, DATASET: checkpoint, TEACHER_OUTPUTS: teacher_outputs}


def folders_for(stage, output, right, **instead):
    """Folders for the inputs that must be given, and for those in `instead`: it is given in the right one's place.

    Of an input that is a list, one folder is taken for the other's place, and the rest is right.
    """
    inputs, written = EDGES[stage]
    parameters = inspect.signature(stage_of(stage)[1]).parameters
    given = {written: output}
    for name, kind in inputs.items():
        if name in instead or parameters[name].default is inspect.Parameter.empty:
            folders = (instead[name], *right.get(kind, ())[1:]) if name in instead else right[kind]
            given[name] = folders if "tuple" in str(parameters[name].annotation) else folders[0]
    return given


def test_the_edges_are_those_of_the_functions():
    for stage, (inputs, output) in EDGES.items():
        paths = {
            name
            for name, parameter in inspect.signature(stage_of(stage)[1]).parameters.items()
            if "Path" in str(parameter.annotation)
        }
        assert {*inputs, output} <= paths, stage


# tokenize's start may also be a tokens/v1 folder, for its tokenizer.
@pytest.mark.parametrize(("stage", "name"), [each for each in INPUTS if each[0] != "tokenize"])
def test_another_kind_is_refused(stage, name, tmp_path, right):
    wrong = right[CHECKPOINT if EDGES[stage][0][name] == TOKENS else TOKENS][0]
    with pytest.raises(ArtifactError, match="wanted is"):
        call(stage, folders_for(stage, tmp_path / "out", right, **{name: wrong}))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("stage", "name"), INPUTS)
def test_a_changed_folder_is_refused(stage, name, tmp_path, right):
    damaged = tmp_path / "damaged"
    shutil.copytree(right.get(EDGES[stage][0][name], right[CHECKPOINT])[0], damaged)
    (damaged / "stowaway").write_text("x")
    with pytest.raises(ArtifactError):
        call(stage, folders_for(stage, tmp_path / "out", right, **{name: damaged}))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stage", [stage for stage in EDGES if stage != "tokenize"])
def test_an_absent_folder_is_refused(stage, tmp_path, right):
    first = next(iter(EDGES[stage][0]))
    with pytest.raises(ArtifactError, match="/nowhere does not exist"):
        call(stage, folders_for(stage, tmp_path / "out", right, **{first: Path("/nowhere")}))


# tokenize refuses the length first, and choose-round what has no rounds.
@pytest.mark.parametrize("stage", [stage for stage in EDGES if stage not in ("tokenize", "choose-round")])
def test_an_output_that_is_an_input_is_refused_and_kept(stage, tmp_path, right):
    mine, (name, kind) = tmp_path / "mine", next(iter(EDGES[stage][0].items()))
    shutil.copytree(right[kind][0], mine)
    with pytest.raises(ArtifactError, match="is read and written at once"):
        call(stage, folders_for(stage, mine, right, **{name: mine}))
    assert expect(mine, kind)
