"""A stage as a TrainJob, run for real: by the SDK's local-process backend, and by pods that share nothing but S3."""

import os
from pathlib import Path

import pytest

from potstill.artifacts import CHECKPOINT, MANIFEST, expect, sha256_of
from potstill.prune.train_job import prune_job
from potstill.store.folders import publish
from potstill.store.places import open_place
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.teacher_train.train_job import teacher_train_job
from potstill.train_job import launch
from tests.launching import meanwhile, wait_until

RECIPE = {"epochs": 2, "batch_size": 16, "patience": 0, "threads": 1, "dtype": "float32"}


class Artifact:
    """What KFP hands to a component."""

    def __init__(self, path, uri=None):
        self.path, self.uri, self.metadata, self.logged = str(path), uri or str(path), {}, {}

    def log_metric(self, name, value):
        self.logged[name] = value


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(launch, "POLL_SECONDS", 0.2)


@pytest.fixture(scope="module")
def alone(tiny_tokens, tiny_checkpoint, tmp_path_factory):
    """What one process makes of it: measures."""
    teacher = tmp_path_factory.mktemp("alone") / "teacher"
    return train_teacher(tiny_tokens, tiny_checkpoint, teacher, TeacherTrainConfig(**RECIPE))


def test_the_sdks_local_process_backend_runs_it_with_two_processes(
    tiny_tokens, tiny_checkpoint, alone, tmp_path, capfd, monkeypatch
):
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # the SDK's environment for the job is made without any package
    teacher, metrics = Artifact(tmp_path / "out" / "teacher"), Artifact(tmp_path / "out" / "metrics")
    here = Path.cwd()
    teacher_train_job.python_func(
        tokens=Artifact(tiny_tokens),
        start=Artifact(tiny_checkpoint),
        teacher=teacher,
        metrics=metrics,
        processes_per_node=2,
        backend="local-process",
        **RECIPE,
    )
    made = expect(Path(teacher.path), CHECKPOINT)
    assert made.made_by["stage"] == "teacher-train"
    assert teacher.metadata["digest"] == made.digest
    assert metrics.logged["loss"] == pytest.approx(alone["loss"], abs=1e-5)
    assert metrics.logged["parameters"] == alone["parameters"]
    assert "1 x 2 processes" in capfd.readouterr().err
    assert Path.cwd() == here


def test_the_local_process_backend_says_what_the_stage_refused(tiny_tokens, tiny_checkpoint, tmp_path, capfd):
    """prune reads the start folder as tokens: refused by the stage, in another process."""
    with pytest.raises(SystemExit) as ended:
        prune_job.python_func(
            student=Artifact(tiny_checkpoint),
            tokens=Artifact(tiny_checkpoint),
            pruned=Artifact(tmp_path / "pruned"),
            metrics=Artifact(tmp_path / "metrics"),
            backend="local-process",
        )
    assert ended.value.code == 2
    [said] = [line for line in capfd.readouterr().err.splitlines() if line.startswith("potstill: error: TrainJob")]
    assert f"{tiny_checkpoint} holds checkpoint/v1; wanted is tokens/v1" in said


@pytest.fixture
def on_the_cluster(kubernetes_api, s3_bucket, tiny_tokens, tiny_checkpoint, tmp_path):
    """Run teacher-train on two nodes, as a step of KFP; → its teacher and metrics."""
    kubernetes_api.run_pods = True
    kubernetes_api.secrets["store"] = {
        name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    }
    publish(tiny_tokens, f"{s3_bucket}/tokens")
    publish(tiny_checkpoint, f"{s3_bucket}/start")
    minio = s3_bucket.replace("s3://", "minio://")

    def run(step, pod, **options):
        """Run a step, in a new pod of its own; a retry is the same step in another pod."""
        made = [Artifact(tmp_path / pod / name, f"{minio}/{step}/{name}") for name in ("teacher", "metrics")]
        teacher_train_job.python_func(
            tokens=Artifact(tiny_tokens, f"{minio}/tokens"),
            start=Artifact(tiny_checkpoint, f"{minio}/start"),
            teacher=made[0],
            metrics=made[1],
            checkpoint_uri=f"{s3_bucket}/checkpoints-of-{step}",
            nodes=2,
            store_secret="store",
            store_endpoint=os.environ["AWS_ENDPOINT_URL"],
            **RECIPE | options,
        )
        return made

    return run


@pytest.mark.s3
@pytest.mark.slow
def test_two_pods_train_together_and_share_nothing_but_s3(
    kubernetes_api, on_the_cluster, tiny_tokens, tiny_checkpoint, alone, capfd
):
    """From the component over the API of Kubernetes and its TrainJob to the processes that its pods would run."""
    teacher, metrics = on_the_cluster("step", "pod-1")
    made = expect(Path(teacher.path), CHECKPOINT)
    assert made.inputs == {
        "tokens": sha256_of(tiny_tokens / MANIFEST),
        "start": sha256_of(tiny_checkpoint / MANIFEST),
    }
    assert teacher.metadata["digest"] == made.digest
    assert metrics.logged["loss"] == pytest.approx(alone["loss"], abs=1e-5)
    assert "fetching s3://" in capfd.readouterr().err  # the first pod's log

    again, metrics = on_the_cluster("step", "pod-2")  # the launcher was taken away after its job was done
    assert again.metadata["digest"] == made.digest
    assert metrics.logged["parameters"] == alone["parameters"]
    assert kubernetes_api.asked_for("POST", "DELETE") == ["POST"]


@pytest.mark.s3
@pytest.mark.slow
def test_a_machine_that_is_lost_costs_a_retry_and_changes_no_byte(kubernetes_api, s3_bucket, on_the_cluster, capfd):
    options = {"epochs": 40, "checkpoint_seconds": 0.1}

    def lose_the_second_when_there_is_a_checkpoint():
        place = open_place(f"{s3_bucket}/checkpoints-of-lost")
        wait_until(lambda: "COMMIT.json" in " ".join(place.keys()))()
        kubernetes_api.lose(1)

    with meanwhile(lose_the_second_when_there_is_a_checkpoint), pytest.raises(SystemExit) as ended:
        on_the_cluster("lost", "pod-1", **options)
    assert ended.value.code == 2
    assert kubernetes_api.jobs == {}
    teacher, _ = on_the_cluster("lost", "pod-2", **options)
    assert "teacher: taken up again from" in capfd.readouterr().err
    assert kubernetes_api.asked_for("POST", "DELETE") == ["POST", "DELETE", "POST"]
    undisturbed, _ = on_the_cluster("undisturbed", "pod-3", **options)
    assert teacher.metadata["digest"] == undisturbed.metadata["digest"]
