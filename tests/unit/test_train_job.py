"""A launcher's life against a Kubernetes API that speaks HTTP, through the real SDK."""

import os
import signal
import subprocess
import sys
import time

import pytest
from kubeflow_trainer_api import models

from potstill.errors import JobError, OptionError
from potstill.train_job import launch as launching
from potstill.train_job.config import TrainJobConfig
from potstill.train_job.launch import launch
from tests.kubernetes_api import RUNTIME, WORKFLOW
from tests.launching import CONFIG, NAME, POLL, body, meanwhile, wait_until, work


@pytest.fixture
def cluster(kubernetes_api):
    return kubernetes_api


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(launching, "POLL_SECONDS", POLL)


@pytest.fixture
def there(cluster):
    """The job is there."""
    return wait_until(lambda: NAME in cluster.jobs)


def test_a_job_is_created_followed_and_done(cluster, there, capfd):
    def speak():
        pod = cluster.add_node(NAME)
        cluster.add_node(NAME, 1, "Pending", containerStatuses=[waiting("ImagePullBackOff")])
        cluster.say(pod, "step 1")
        time.sleep(5 * POLL)
        cluster.say(pod, "第二步")
        cluster.pods[pod]["status"]["phase"] = "Succeeded"

    with meanwhile(there, speak, wait_until(lambda: len(cluster.asked) > 8), lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    told = capfd.readouterr().err
    assert told.index("step 1\n") < told.index("第二步\n")
    assert "node-0 Succeeded, node-1 Pending (ImagePullBackOff)" in told
    assert cluster.asked_for("POST", "DELETE", "PATCH") == ["POST"]


def waiting(reason):
    state = {"waiting": {"reason": reason}}
    return {"name": "node", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": state}


def test_what_was_sent_is_what_the_models_know(cluster, there):
    with meanwhile(there, lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    sent = {key: cluster.jobs[NAME][key] for key in ("apiVersion", "kind", "spec")}
    assert models.TrainerV1alpha1TrainJob.from_dict(sent).to_dict() == sent
    assert sent["spec"]["activeDeadlineSeconds"] == 86400
    assert sent["spec"]["trainer"]["numNodes"] == 2


def test_the_owner_is_what_controls_the_launchers_pod(cluster, there):
    with meanwhile(there, lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    assert cluster.jobs[NAME]["metadata"]["ownerReferences"] == [WORKFLOW]


def test_the_owner_of_a_bare_pods_job_is_the_pod(cluster, there):
    del cluster.pods["launcher"]["metadata"]["ownerReferences"]
    with meanwhile(there, lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    pod = {"apiVersion": "v1", "kind": "Pod", "name": "launcher", "uid": "uid-of-launcher"}
    assert cluster.jobs[NAME]["metadata"]["ownerReferences"] == [pod]


def test_outside_a_cluster_nothing_owns_the_job(cluster, there, monkeypatch, capfd):
    monkeypatch.delenv("KFP_POD_NAME")
    with meanwhile(there, lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    assert "ownerReferences" not in cluster.jobs[NAME]["metadata"]
    assert "nothing owns the job" in capfd.readouterr().err


def test_a_runtime_of_the_namespace_comes_before_the_clusters(cluster, there):
    cluster.runtimes["namespace", "torch-distributed"] = RUNTIME | {"kind": "TrainingRuntime"}
    with meanwhile(there, lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    assert cluster.jobs[NAME]["spec"]["runtimeRef"] == {"kind": "TrainingRuntime", "name": "torch-distributed"}


def test_a_retry_follows_the_job_that_is_running(cluster, there):
    with meanwhile(there, lambda: cluster.end(NAME, "Complete")):
        cluster.created(body())
        launch(work(), CONFIG)
    assert cluster.asked_for("POST", "DELETE", "PATCH") == []


def test_a_retry_takes_a_finished_job_as_done(cluster):
    cluster.created(body())
    cluster.end(NAME, "Complete")
    launch(work(), CONFIG)
    assert cluster.asked_for("POST", "DELETE", "PATCH") == []


def test_a_retry_makes_a_failed_job_anew(cluster):
    cluster.created(body())
    cluster.end(NAME, "Failed", "JobsFailed", "one failed")
    cluster.gone_after = 2  # its pods take their time
    again = wait_until(lambda: "POST" in cluster.asked_for("POST"))
    with meanwhile(again, lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    assert cluster.asked_for("POST", "DELETE", "PATCH") == ["DELETE", "POST"]


def test_two_launchers_at_once_make_one_job(cluster, monkeypatch):
    """The other one creates the job between this one's look and its request."""
    from potstill.train_job.cluster import Cluster

    seen = Cluster.find

    def find_then_lose(self, name):
        found = seen(self, name)
        if found is None:
            cluster.created(body())
            cluster.end(NAME, "Complete")
        return found

    monkeypatch.setattr(Cluster, "find", find_then_lose)
    launch(work(), CONFIG)
    assert cluster.asked_for("POST", "DELETE", "PATCH") == ["POST"]


def test_a_failed_job_is_deleted_and_told_in_one_line(cluster, there):
    def fail():
        pod = cluster.add_node(NAME)
        cluster.say(pod, "potstill: error: the loss became NaN in step 12; lower learning_rate")
        cluster.pods[pod]["status"]["phase"] = "Failed"
        cluster.end(NAME, "Failed", "JobsFailed", "jobset failed")

    with meanwhile(there, fail), pytest.raises(JobError) as failed:
        launch(work(), CONFIG)
    assert str(failed.value) == (
        f"TrainJob {NAME} failed: the loss became NaN in step 12; lower learning_rate; it was deleted, and its last "
        "lines are above"
    )
    assert cluster.jobs == {}


def test_a_job_past_its_deadline_says_so(cluster, there):
    late = lambda: cluster.end(NAME, "Failed", "DeadlineExceeded", "TrainJob exceeded its deadline")  # noqa: E731
    with meanwhile(there, late), pytest.raises(JobError, match="DeadlineExceeded: TrainJob exceeded its deadline"):
        launch(work(), CONFIG)


def test_a_cluster_that_does_not_end_a_late_job_is_not_waited_for(cluster, monkeypatch):
    monkeypatch.setattr(launching, "SLACK_SECONDS", -0.5)
    with pytest.raises(JobError, match="it is past its deadline"):
        launch(work(), TrainJobConfig(deadline_seconds=1))
    assert cluster.jobs == {}


def test_a_job_that_someone_deleted_is_not_waited_for(cluster, there):
    with meanwhile(there, lambda: cluster.deleted(NAME)), pytest.raises(JobError, match="is gone: someone deleted it"):
        launch(work(), CONFIG)


def test_sigterm_suspends_the_job_and_a_retry_resumes_it(cluster, there, capfd):
    """In the second that KFP gives, though the first pod's log is being followed."""
    sent = []

    def terminate():
        cluster.add_node(NAME)
        wait_until(lambda: ("get", "pods/log") in cluster.used)()
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(there, terminate), pytest.raises(SystemExit) as ended:
        launch(work(), CONFIG)
    assert time.monotonic() - sent[0] < 1
    assert ended.value.code == 130
    assert cluster.jobs[NAME]["spec"]["suspend"] is True
    assert "is suspended, and the same step resumes it" in capfd.readouterr().err
    resumed = wait_until(lambda: not cluster.jobs[NAME]["spec"]["suspend"])
    cluster.pods.clear()
    with meanwhile(resumed, lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    assert cluster.asked_for("POST", "DELETE", "PATCH") == ["POST", "PATCH", "PATCH"]


def test_a_cluster_out_of_reach_for_a_while_costs_nothing(cluster, there, capfd):
    def stumble():
        cluster.refused["GET", "jobs"] = (503, "etcd is electing")
        time.sleep(10 * POLL)
        cluster.refused.clear()

    with meanwhile(there, stumble, lambda: cluster.end(NAME, "Complete")):
        launch(work(), CONFIG)
    assert "etcd is electing (HTTP 503); trying again" in capfd.readouterr().err
    assert cluster.asked_for("POST", "DELETE", "PATCH") == ["POST"]


def test_a_cluster_out_of_reach_for_long_leaves_the_job_alone(cluster, there, monkeypatch):
    monkeypatch.setattr(launching, "PATIENCE_SECONDS", 0.0)
    lost = lambda: cluster.refused.update({("GET", "jobs"): (503, "etcd is electing")})  # noqa: E731
    with meanwhile(there, lost), pytest.raises(JobError, match="etcd is electing"):
        launch(work(), CONFIG)
    assert NAME in cluster.jobs


def test_a_log_is_told_once_however_often_it_is_read(cluster, there, capfd):
    """The container is started again, and the stream breaks: the lines' times tell what is new."""

    def speak():
        pod = cluster.add_node(NAME)
        cluster.say(pod, "first")
        cluster.pods[pod]["status"]["phase"] = "Failed"  # its log ends here
        time.sleep(5 * POLL)
        cluster.say(pod, "second")
        cluster.pods[pod]["status"]["phase"] = "Running"
        time.sleep(5 * POLL)
        cluster.end(NAME, "Complete")
        cluster.pods[pod]["status"]["phase"] = "Succeeded"

    with meanwhile(there, speak):
        launch(work(), CONFIG)
    told = capfd.readouterr().err
    assert (told.count("first"), told.count("second")) == (1, 1)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (("POST", "jobs"), "cannot create TrainJob"),
        (("GET", "jobs"), "cannot read TrainJob"),
        (("GET", "pods"), "cannot create TrainJob"),  # it asks for the launcher's own pod
    ],
)
def test_missing_rights_name_the_role(cluster, what, message):
    cluster.refused[what] = (403, "User may not")
    with pytest.raises(JobError, match=f"{message}.*: User may not; grant the launcher's service account"):
        launch(work(), CONFIG)


def test_a_runtime_that_is_not_there_is_named(cluster):
    with pytest.raises(JobError, match=r"cannot create TrainJob .*'spot' not found"):
        launch(work(), TrainJobConfig(runtime="spot"))


def test_no_cluster_is_one_line(kubernetes_api, monkeypatch, tmp_path):
    from kubernetes.config import kube_config

    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(JobError, match="cannot reach the cluster: Invalid kube-config file"):
        launch(work(), CONFIG)


def test_pods_that_may_be_taken_away_need_checkpoints(cluster):
    with pytest.raises(OptionError, match="checkpoint_uri is empty"):
        launch(work(options={"checkpoint_uri": ""}), CONFIG)
    assert cluster.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "distill"},
        {"image": "potstill/teacher-train:2"},
        {"options": {"epochs": 4, "checkpoint_uri": "s3://b/checkpoints"}},
        {"folders": {"tokens": "s3://b/tokens", "start": "s3://b/start", "teacher": "s3://b/another-run/teacher"}},
        {"digests": {"tokens": "12", "start": "56"}},
    ],
)
def test_other_work_is_another_job(change):
    assert work(**change).job_name != NAME == work().job_name


@pytest.mark.parametrize(
    "nonsense",
    [
        {"nodes": 0},
        {"cpu": "two"},
        {"memory": "8GB"},
        {"deadline_seconds": 0},
        {"backend": "docker"},
        {"runtime": ""},
        {"service_account": "A"},
        {"gpus": 1, "processes_per_node": 2},
    ],
)
def test_options_that_make_no_sense_are_refused(nonsense):
    with pytest.raises(OptionError, match=next(iter(nonsense))):
        TrainJobConfig(**nonsense)


def test_a_launcher_needs_neither_torch_nor_kfp():
    blocked = "import sys; sys.modules.update(dict.fromkeys(('torch', 'transformers', 'kfp', 'pyarrow')))"
    loaded = "import potstill.train_job, potstill.train_job.cluster, potstill.train_job.local"
    subprocess.run([sys.executable, "-W", "ignore", "-c", f"{blocked}; {loaded}"], check=True)
