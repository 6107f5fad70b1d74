"""What a run was asked to do, as an artifact."""

import json

import pytest
import yaml
from kfp import compiler

from pipelines.compress import compress
from pipelines.definition import EXECUTOR, _pipelines, images_of, main
from potstill.artifacts import DEFINITION, expect
from potstill.commands import STAGES
from potstill.evidence.compiled import images_in

PARAMS = ["--set", "threads=1", "budgets=max_size_mb: 7.5"]


def written(folder, *arguments):
    assert main(["--out", str(folder), *arguments]) == 0
    return expect(folder, DEFINITION)


def test_the_same_parameters_give_the_same_bytes_wherever_they_are_given(tmp_path, monkeypatch):
    first = written(tmp_path / "a", *PARAMS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POTSTILL_SIGNING_KEY", "/nowhere")
    again = written(tmp_path / "b", *PARAMS, "checkpoint_uri=s3://bucket/states")
    assert again.digest == first.digest
    assert written(tmp_path / "c", "--set", "threads=2").digest != first.digest


def test_it_holds_what_a_run_follows_from(tmp_path):
    definition = written(tmp_path / "definition", *PARAMS)
    assert {each.path for each in definition.files} == {
        "images.json", "parameters.json", "pipeline.yaml", "requirements.txt",
    }  # fmt: skip
    parameters = json.loads((definition.path / "parameters.json").read_text())
    assert parameters == {"threads": 1, "budgets": '{"max_size_mb":7.5}'}
    assert "--hash=sha256:" in (definition.path / "requirements.txt").read_text()
    assert definition.made_by["config"] == {"pipeline": "potstill-compress", "runs_on": "kubeflow-pipelines"}
    images = json.loads((definition.path / "images.json").read_text())
    assert images == images_of(compress)
    assert {"tokenize", "validate", "release", "sign"} <= set(images) <= set(STAGES)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--pipeline", "compres"], "pipeline must be one of compress, assisted, export-only, got 'compres'"),
        (["--set", "threads=many"], "threads must be whole number"),
        (["--pipeline", "release"], "pipeline must be one of compress, assisted, export-only"),
        (["--params", "absent.yaml"], "cannot be read as a params file"),
        (["--set", "release_name=x", "release_version=one"], "release_version must be a semantic version"),
    ],
)
def test_nonsense_is_refused_in_one_line_and_writes_nothing(arguments, word, tmp_path, capsys):
    assert main(["--out", str(tmp_path / "out"), *arguments]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert word in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["compress", "assisted", "export-only"])
def test_the_reader_of_lines_reads_what_a_yaml_library_reads(tmp_path, name):
    compiled = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(_pipelines()[name], package_path=str(compiled))
    found = {}
    for executor, each in next(yaml.safe_load_all(compiled.read_text()))["deploymentSpec"]["executors"].items():
        if "container" in each:
            found.setdefault(EXECUTOR.fullmatch(executor)["stage"], set()).add(each["container"]["image"])
    assert images_in(compiled.read_bytes()) == found
    assert {stage: {image} for stage, image in images_of(_pipelines()[name]).items()}.items() <= found.items()
