"""TrainJobs of a Kubernetes namespace: the launcher's own, or that of the kubeconfig's context."""

import time
from collections.abc import Iterator
from typing import Any

from kubeflow.trainer import TrainerClient
from kubeflow.trainer.constants import constants
from kubernetes.client import ApiException

from potstill.errors import JobError
from potstill.train_job.asking import asking
from potstill.train_job.config import TrainJobConfig
from potstill.train_job.jobs import DONE, FAILED, GOING, SUSPENDED, Job
from potstill.train_job.owner import owner_of_launcher
from potstill.train_job.request import train_job
from potstill.train_job.work import Work

ABSENT, CONFLICT = 404, 409
GONE_SECONDS = 300.0  # pods have 30 s to end, and a node that is lost holds one longer
PODS = f"{constants.JOBSET_NAME_LABEL}={{name}},{constants.JOBSET_RJOB_NAME_LABEL}={constants.NODE}"
FIRST = f"{PODS},{constants.JOB_INDEX_LABEL}=0"


class Cluster:
    """Where jobs run: Kubernetes, through the SDK's backend."""

    def __init__(self, poll_seconds: float) -> None:
        with asking("reach the cluster"):
            self._backend = TrainerClient().backend
        self._poll_seconds = poll_seconds
        self._last = ""  # time of the last line of the log that was yielded

    def find(self, name: str) -> Job | None:
        """Return a job; None where there is none of this name."""
        found = self._get(name)
        return None if found is None else self._judge(name, found)

    def create(self, work: Work, config: TrainJobConfig) -> None:
        """Start a job under the work's name; one that is there already is left as it is."""
        with asking(f"create TrainJob {work.job_name}"):
            runtime = self._backend.get_runtime(config.runtime)
            owner = owner_of_launcher(self._backend.core_api, self._backend.namespace)
            try:
                self._backend.custom_api.create_namespaced_custom_object(
                    *self._where(), train_job(work, config, owner, runtime)
                )
            except ApiException as refused:
                if refused.status != CONFLICT:
                    raise

    def delete(self, name: str) -> None:
        """Delete a job and wait until it is gone, its pods before it: two of a name would write one place."""
        with asking(f"delete TrainJob {name}"):
            try:
                self._backend.custom_api.delete_namespaced_custom_object(
                    *self._where(), name, propagation_policy="Foreground"
                )
            except ApiException as refused:
                if refused.status != ABSENT:
                    raise
        until = time.monotonic() + GONE_SECONDS
        while self._get(name) is not None:
            if time.monotonic() > until:
                raise JobError(
                    f"TrainJob {name} is not gone {GONE_SECONDS:.0f} s after it was deleted; look at its pods"
                )
            time.sleep(self._poll_seconds)

    def suspend(self, name: str) -> None:
        """Take a job's pods away and keep the job."""
        self._set_suspended(name, True)

    def resume(self, name: str) -> None:
        """Give a suspended job pods again."""
        self._set_suspended(name, False)

    def lines(self, name: str) -> Iterator[str]:
        """Yield what the first pod has said and was not yet yielded; end when it says no more for now.

        The log is followed with its times, so that what was yielded is told from what is new, whether the connection
        broke, the container was started again, or the pod is another one.
        """
        core, namespace = self._backend.core_api, self._backend.namespace
        with asking(f"read the log of TrainJob {name}"):
            pods = core.list_namespaced_pod(namespace, label_selector=FIRST.format(name=name)).items
            begun = [pod for pod in pods if pod.status.phase != constants.POD_PENDING]
            for pod in sorted(begun, key=lambda each: each.metadata.creation_timestamp):
                log = core.read_namespaced_pod_log(
                    pod.metadata.name,
                    namespace,
                    container=constants.NODE,
                    follow=True,
                    timestamps=True,
                    _preload_content=False,
                )
                yield from self._unseen(log)

    def _unseen(self, log: Any) -> Iterator[str]:
        rest = b""
        for piece in log.stream():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                at, _, text = line.decode("utf-8", "replace").partition(" ")
                if at > self._last:
                    self._last = at
                    yield text

    def _get(self, name: str) -> dict[str, Any] | None:
        with asking(f"read TrainJob {name}"):
            try:
                return dict(self._backend.custom_api.get_namespaced_custom_object(*self._where(), name))
            except ApiException as refused:
                if refused.status == ABSENT:
                    return None
                raise

    def _judge(self, name: str, found: dict[str, Any]) -> Job:
        said = {
            each["type"]: each for each in found.get("status", {}).get("conditions", ()) if each["status"] == "True"
        }
        if "deletionTimestamp" in found["metadata"]:
            return Job(FAILED, "it is being deleted")
        if constants.TRAINJOB_FAILED in said:
            why = said[constants.TRAINJOB_FAILED]
            return Job(FAILED, f"{why.get('reason', '')}: {why.get('message', '')}")
        if constants.TRAINJOB_COMPLETE in said:
            return Job(DONE)
        return Job(SUSPENDED if found["spec"].get("suspend") else GOING, self._pods(name))

    def _pods(self, name: str) -> str:
        """Tell how the pods are, as `node-0 Running, node-1 Pending (ImagePullBackOff)`."""
        with asking(f"list the pods of TrainJob {name}"):
            pods = self._backend.core_api.list_namespaced_pod(
                self._backend.namespace, label_selector=PODS.format(name=name)
            ).items
        told = sorted((pod.metadata.labels.get(constants.JOB_INDEX_LABEL, "?"), _phase(pod)) for pod in pods)
        return ", ".join(f"node-{index} {phase}" for index, phase in told) or "no pod yet"

    def _set_suspended(self, name: str, value: bool) -> None:
        with asking(f"{'suspend' if value else 'resume'} TrainJob {name}"):
            self._backend.custom_api.patch_namespaced_custom_object(*self._where(), name, {"spec": {"suspend": value}})

    def _where(self) -> tuple[str, str, str, str]:
        return constants.GROUP, constants.VERSION, self._backend.namespace, constants.TRAINJOB_PLURAL


def _phase(pod: Any) -> str:
    """A pod's phase, with the reason when it cannot run."""
    waiting = [each.state.waiting.reason for each in pod.status.container_statuses or () if each.state.waiting]
    waiting += [each.reason for each in pod.status.conditions or () if each.status == "False" and each.reason]
    phase = str(pod.status.phase)
    return f"{phase} ({waiting[0]})" if waiting and phase == constants.POD_PENDING else phase
