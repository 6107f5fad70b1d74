"""What the card of the TrainJobs shows is what is sent, what is asked for, and what the SDK's models know."""

import dataclasses
import re

import pytest
import yaml
from kubeflow_trainer_api import models

from potstill.errors import JobError
from potstill.train_job import TrainJobConfig, launch
from tests.docs.test_cards import ROOT, TRAIN_JOB
from tests.launching import CONFIG, NAME, POLL, body, meanwhile, wait_until, work

CARD = TRAIN_JOB.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", CARD, re.DOTALL | re.MULTILINE)
JOB, RIGHTS, RUNTIME = BLOCKS


def rows(column):
    return [row.split("|")[column].strip() for row in CARD.splitlines() if row.startswith("| `")]


def test_the_job_is_the_golden_one():
    assert (ROOT / "tests" / "golden" / "train_jobs" / "teacher-train.yaml").read_text(encoding="utf-8") == JOB


def test_every_field_of_the_job_is_explained():
    job = yaml.safe_load(JOB)
    fields = {f"metadata.{name}" for name in job["metadata"]} | {f"spec.{name}" for name in job["spec"]} - {
        "spec.trainer"
    }
    fields |= {f"spec.trainer.{name}" for name in job["spec"]["trainer"]}
    explained = {name for cell in rows(1) for name in re.findall(r"`((?:metadata|spec)\.[\w.]+)`", cell)}
    assert explained == fields


def test_every_option_is_listed_with_its_default_as_it_is_described():
    listed = dict(zip(rows(1), zip(rows(2), rows(3), strict=True), strict=True))
    for field in dataclasses.fields(TrainJobConfig):
        default, _ = listed[f"`{field.name}`"]
        assert default == str(field.default)


def test_the_runtime_is_one():
    runtime = yaml.safe_load(RUNTIME)
    assert models.TrainerV1alpha1ClusterTrainingRuntime.from_dict(runtime).to_dict() == runtime


@pytest.fixture
def used(kubernetes_api, monkeypatch):
    """Every right that a launcher uses in a life with all that may happen."""
    monkeypatch.setattr(launch, "POLL_SECONDS", POLL)

    def happen():
        wait_until(lambda: NAME in kubernetes_api.jobs)()
        pod = kubernetes_api.add_node(NAME)
        wait_until(lambda: ("get", "pods/log") in kubernetes_api.used)()
        kubernetes_api.pods[pod]["status"]["phase"] = "Failed"
        kubernetes_api.end(NAME, "Failed")

    kubernetes_api.created(body())
    kubernetes_api.end(NAME, "Failed")
    again = wait_until(lambda: "POST" in kubernetes_api.asked_for("POST"))
    with meanwhile(again, happen), pytest.raises(JobError):
        launch.launch(work(), CONFIG)
    kubernetes_api.created(body() | {"spec": {"suspend": True}})
    resumed = wait_until(lambda: "PATCH" in kubernetes_api.asked_for("PATCH"))
    with meanwhile(resumed, lambda: kubernetes_api.end(NAME, "Complete")):
        launch.launch(work(), CONFIG)
    return kubernetes_api.used


def test_the_rights_are_those_that_a_launcher_uses(used):
    granted = {
        (verb, resource)
        for each in yaml.safe_load_all(RIGHTS)
        for rule in each["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    public = {("get", "configmaps")}  # Trainer lets everybody read its version
    assert used - public == granted
