"""What a run was asked to do, as an artifact."""

import json
import shutil

import pytest
import yaml
from kfp import compiler

from pipelines.compress import compress
from pipelines.definition import EXECUTOR, _pipelines, images_of, judged_by, main
from pipelines.finished_run import artifacts_of
from pipelines.release import release_pipeline
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


@pytest.fixture
def first(tmp_path):
    """The definition of a run in images, on a cluster."""
    return written(tmp_path / "first", *PARAMS, "robustness_rows=20")


def test_a_run_that_is_judged_again_says_so(first, tmp_path):
    again = judged_by(first.path, {"budgets": '{"max_size_mb":100}', "threads": 7}, tmp_path / "again")
    parameters = json.loads((again.path / "parameters.json").read_text())
    assert parameters == {"threads": 1, "budgets": '{"max_size_mb":100}'}  # rows at validate's default, as it is run
    assert again.made_by["config"] == {
        "pipeline": "potstill-compress", "runs_on": "kubeflow-pipelines",
        "judged_on": "local", "judged_anew": first.digest,
    }  # fmt: skip
    was, now = (json.loads((each.path / "images.json").read_text()) for each in (first, again))
    assert was.keys() - now.keys() == {"validate", "release", "sign", "publish"}
    assert now.items() <= was.items()
    for name in ("pipeline.yaml", "requirements.txt"):
        assert (again.path / name).read_bytes() == (first.path / name).read_bytes()


def test_it_is_never_the_definition_of_the_run(first, tmp_path):
    """The same budgets, too, were judged by again."""
    told = json.loads((first.path / "parameters.json").read_text())
    again = judged_by(first.path, told, tmp_path / "again")
    assert json.loads((again.path / "parameters.json").read_text()) == told
    assert again.digest != first.digest


def test_a_run_is_judged_again_with_what_it_was_judged_with(first, tmp_path):
    run = tmp_path / "run"
    names = [name.removesuffix("_uri") for name in release_pipeline.component_spec.inputs if name.endswith("_uri")]
    for name in names:
        copy = run / ("quantized" if name == "model" else name)
        shutil.copytree(first.path, copy)  # what else a folder holds is not asked here
    given = artifacts_of(run, release_pipeline.component_spec.inputs)
    judging = {name: given[name] for name in ("budgets", "robustness_rows", "threads")}
    assert judging == {"budgets": '{"max_size_mb":7.5}', "robustness_rows": 20, "threads": 1}
