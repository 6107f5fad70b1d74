"""A stage as a TrainJob has the stage's parameters and the job's, and asks for what the golden request says."""

import ast
import dataclasses
import inspect
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from kubeflow_trainer_api import models

from pipelines.compile import COMPONENTS
from potstill.remote.folders import OUTPUTS, folders_of
from potstill.train_job import TrainJobConfig, handover
from potstill.train_job.request import Owner, cluster_runtime, train_job
from tests.kubernetes_api import WORKFLOW

GOLDEN = Path(__file__).parents[1] / "golden" / "train_jobs"
JOB = {field.name: field.default for field in dataclasses.fields(TrainJobConfig)}
ASKED = {
    "checkpoint_uri": "s3://bucket/checkpoints",
    "nodes": 2,
    "processes_per_node": 4,
    "cpu": "16",
    "memory": "64Gi",
    "gpus": 4,
    "service_account": "trainer",
    "store_secret": "store",
    "store_endpoint": "http://store.kubeflow:9000",
}


def artifacts_of(spec):
    return {name for name, each in {**spec.inputs, **spec.outputs}.items() if "@" in str(each.type)}


def parameters_of(spec):
    return {name: each.default for name, each in spec.inputs.items() if name not in artifacts_of(spec)}


@pytest.mark.parametrize("stage", OUTPUTS)
def test_its_parameters_are_the_stages_and_the_jobs(stage):
    alone, job = COMPONENTS[stage].component_spec, COMPONENTS[f"{stage}-job"].component_spec
    assert parameters_of(job) == parameters_of(alone) | JOB
    assert not parameters_of(alone).keys() & JOB.keys()
    assert artifacts_of(job) == artifacts_of(alone)


@pytest.mark.parametrize("stage", OUTPUTS)
def test_everything_in_the_interface_is_described_as_in_the_stages(stage):
    alone, job = COMPONENTS[stage].component_spec, COMPONENTS[f"{stage}-job"].component_spec
    for part in ("inputs", "outputs"):
        told = {name: each.description for name, each in getattr(job, part).items()}
        assert all(told.values())
        assert told.items() >= {name: each.description for name, each in getattr(alone, part).items()}.items()


@pytest.mark.parametrize("stage", OUTPUTS)
def test_every_parameter_is_handed_on_under_its_name(stage):
    tree = ast.parse(inspect.getsource(COMPONENTS[f"{stage}-job"].python_func).split("\n", 1)[1])
    dictionaries = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    handed = [(key.value, value.id) for each in dictionaries for key, value in zip(each.keys, each.values, strict=True)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    [config] = [node for node in calls if getattr(node.func, "id", "") == "TrainJobConfig"]
    handed += [(keyword.arg, keyword.value.id) for keyword in config.keywords]
    spec = COMPONENTS[f"{stage}-job"].component_spec
    assert all(name == value for name, value in handed)
    assert sorted(name for name, _ in handed) == sorted({*spec.inputs, *spec.outputs} - {"metrics"})


@pytest.mark.parametrize("stage", OUTPUTS)
def test_its_folders_are_the_stages(stage):
    assert folders_of(stage) == artifacts_of(COMPONENTS[f"{stage}-job"].component_spec) - {"metrics"}


def test_the_launchers_have_one_image_which_is_none_of_a_stage():
    images = [each.component_spec.implementation.container.image for each in COMPONENTS.values()]
    [launcher] = {images[list(COMPONENTS).index(f"{stage}-job")] for stage in OUTPUTS}
    assert images.count(launcher) == len(OUTPUTS)


@pytest.fixture
def requested(monkeypatch):
    """Call a component; → the request that its job would be."""

    def call(stage):
        asked = []
        monkeypatch.setenv("AWS_ENDPOINT_URL", "")  # the component sets it for its own process
        monkeypatch.setattr(handover, "launch", lambda work, config: asked.append((work, config)))
        monkeypatch.setattr(handover, "receive", lambda *_: None)
        monkeypatch.setattr(handover, "read_file", lambda _: b"{}")
        monkeypatch.setattr(handover, "image_for", lambda stage: f"registry.example/potstill/{stage}:1.0")
        component = COMPONENTS[f"{stage}-job"]
        # without an image and without optional inputs, as most would call it
        needed = {name for name in artifacts_of(component.component_spec) if not optional(component, name)}
        component.python_func(**{name: artifact(name) for name in needed}, **ASKED)
        [(work, config)] = asked
        return train_job(work, config, Owner(**WORKFLOW), cluster_runtime(config.runtime))

    return call


def optional(component, name):
    return name in component.component_spec.inputs and component.component_spec.inputs[name].optional


def artifact(name):
    """An artifact as KFP gives it: MinIO by its own scheme, everything else as s3."""
    scheme = "minio" if name == "tokens" else "s3"
    uri = f"{scheme}://bucket/compress/run-1/{name}"
    return SimpleNamespace(uri=uri, path=f"/no/{name}", metadata={}, log_metric=lambda *_: None)


@pytest.mark.parametrize("stage", OUTPUTS)
def test_the_request_is_the_golden_one(stage, requested, monkeypatch):
    """`make golden` rewrites it; the diff is read in review."""
    monkeypatch.setattr("potstill.kfp_io.log", lambda *_: None)
    body = requested(stage)
    text = yaml.safe_dump(body, sort_keys=False, width=1000)
    golden = GOLDEN / f"{stage}.yaml"
    if os.environ.get("WRITE_GOLDEN") == "1":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", OUTPUTS)
def test_the_sdks_own_models_know_all_of_the_request(stage):
    body = yaml.safe_load((GOLDEN / f"{stage}.yaml").read_text(encoding="utf-8"))
    assert models.TrainerV1alpha1TrainJob.from_dict(body).to_dict() == body  # what they do not know, they drop
