"""Every edge of the graph: a stage refuses what is of another kind, not whole, or not there, and writes nothing."""

import inspect
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from potstill.artifacts import CHECKPOINT, COREML, DATASET, ONNX, TOKENS, expect
from potstill.cli import STAGES
from potstill.errors import ArtifactError

# stage: (what each input reads, the output)
EDGES = {
    "tokenize": ({"data": DATASET, "start": CHECKPOINT}, "tokens"),
    "teacher-train": ({"tokens": TOKENS, "start": CHECKPOINT}, "teacher"),
    "distill": ({"teacher": CHECKPOINT, "tokens": TOKENS, "start": CHECKPOINT, "unlabelled": TOKENS}, "student"),
    "prune": ({"student": CHECKPOINT, "tokens": TOKENS}, "pruned"),
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


def folders_for(stage, output, tokens, checkpoint):
    """Right folders for the inputs that must be given."""
    right = {TOKENS: tokens, CHECKPOINT: checkpoint, DATASET: checkpoint}
    inputs, written = EDGES[stage]
    parameters = inspect.signature(stage_of(stage)[1]).parameters
    needed = {name: right[kind] for name, kind in inputs.items() if parameters[name].default is inspect.Parameter.empty}
    return {**needed, written: output}


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
def test_another_kind_is_refused(stage, name, tmp_path, tiny_tokens, tiny_checkpoint):
    kind = EDGES[stage][0][name]
    wrong = tiny_checkpoint if kind == TOKENS else tiny_tokens
    folders = folders_for(stage, tmp_path / "out", tiny_tokens, tiny_checkpoint) | {name: wrong}
    with pytest.raises(ArtifactError, match="wanted is"):
        call(stage, folders)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("stage", "name"), INPUTS)
def test_a_changed_folder_is_refused(stage, name, tmp_path, tiny_tokens, tiny_checkpoint):
    kind = EDGES[stage][0][name]
    damaged = tmp_path / "damaged"
    shutil.copytree(tiny_tokens if kind == TOKENS else tiny_checkpoint, damaged)
    (damaged / "stowaway").write_text("x")
    folders = folders_for(stage, tmp_path / "out", tiny_tokens, tiny_checkpoint) | {name: damaged}
    with pytest.raises(ArtifactError):
        call(stage, folders)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stage", [stage for stage in EDGES if stage != "tokenize"])
def test_an_absent_folder_is_refused(stage, tmp_path, tiny_tokens, tiny_checkpoint):
    first = next(iter(EDGES[stage][0]))
    folders = folders_for(stage, tmp_path / "out", tiny_tokens, tiny_checkpoint) | {first: Path("/nowhere")}
    with pytest.raises(ArtifactError, match="/nowhere does not exist"):
        call(stage, folders)


@pytest.mark.parametrize("stage", [stage for stage in EDGES if stage != "tokenize"])  # it refuses the length first
def test_an_output_that_is_an_input_is_refused_and_kept(stage, tmp_path, tiny_tokens, tiny_checkpoint):
    mine = tmp_path / "mine"
    shutil.copytree(tiny_checkpoint, mine)
    folders = folders_for(stage, mine, tiny_tokens, tiny_checkpoint)
    checkpoint = next(name for name, folder in folders.items() if folder == tiny_checkpoint)
    with pytest.raises(ArtifactError, match="is read and written at once"):
        call(stage, folders | {checkpoint: mine})
    assert expect(mine, CHECKPOINT)
