"""A small Kubernetes API that speaks HTTP: TrainJobs, their pods and logs, as far as a launcher asks for them.

    kubernetes_api      the server; this process, and those it starts, take it for their cluster, from within a pod

It keeps what it is sent and every request. With `run_pods`, the pods of a TrainJob are run for real, as processes of
this machine, with the variables that Kubeflow Trainer would give them.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.http_server import HttpServer

NAMESPACE = "ml"
WORKFLOW = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "name": "compress-x7", "uid": "5f-workflow"}
# manifests/base/runtimes/torch_distributed.yaml of kubeflow/trainer
RUNTIME = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "ClusterTrainingRuntime",
    "metadata": {"name": "torch-distributed", "labels": {"trainer.kubeflow.org/framework": "torch"}},
    "spec": {
        "mlPolicy": {"numNodes": 1, "torch": {}},
        "template": {
            "spec": {
                "replicatedJobs": [
                    {
                        "name": "node",
                        "template": {
                            "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
                            "spec": {"template": {"spec": {"containers": [{"name": "node", "image": "pytorch"}]}}},
                        },
                    }
                ]
            }
        },
    },
}
JOBS = re.compile(rf"^/apis/trainer.kubeflow.org/v1alpha1/namespaces/{NAMESPACE}/trainjobs(?:/([^/]+))?$")
PODS = re.compile(rf"^/api/v1/namespaces/{NAMESPACE}/pods(?:/([^/]+))?(/log)?$")
RUNTIMES = re.compile(rf"^/apis/trainer.kubeflow.org/v1alpha1/(namespaces/{NAMESPACE}/|cluster)trainingruntimes/(.+)$")
RESOURCE = re.compile(r"/(configmaps|pods|trainjobs|trainingruntimes|clustertrainingruntimes)(?:/[^/]+(/log)?)?$")


class KubernetesApi:
    """The cluster.

    Attributes:
        jobs: TrainJobs as they were sent, by name, and their `status`.
        pods: by name.
        secrets: what `secretKeyRef` finds.
        asked: every request on a TrainJob, as `POST` or `GET name`.
        used: every right that a request needed, as (verb, resource).
        refused: (method, `jobs`, `pods` or `log`): (HTTP status, message) for requests that are to fail.
        run_pods: run the pods of new jobs as processes.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch  # the pods' /tmp
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, list[str]] = {}
        self.runtimes = {("cluster", "torch-distributed"): RUNTIME}
        self.secrets: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.used: set[tuple[str, str]] = set()
        self.refused: dict[tuple[str, str], tuple[int, str]] = {}
        self.run_pods = False
        self.processes: list[subprocess.Popen[str]] = []
        self.gone_after = 0  # how many more times a deleted job is still there

    def asked_for(self, *methods: str) -> list[str]:
        """The requests on TrainJobs, of these methods alone."""
        return [each.split()[0] for each in self.asked if each.split()[0] in methods]

    def add_pod(self, name: str, phase: str = "Running", labels: dict[str, str] | None = None, **status: Any) -> None:
        self.logs.setdefault(name, [])
        self.pods[name] = {
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "uid": f"uid-of-{name}",
                "creationTimestamp": now(),
                "labels": labels or {},
            },
            "spec": {"containers": [{"name": "node", "image": "pytorch"}]},
            "status": {"phase": phase, **status},
        }

    def add_node(self, job: str, index: int = 0, phase: str = "Running", **status: Any) -> str:
        """Add a pod of a job; return its name."""
        name = f"{job}-node-0-{index}-abcde"
        labels = {
            "jobset.sigs.k8s.io/jobset-name": job,
            "jobset.sigs.k8s.io/replicatedjob-name": "node",
            "batch.kubernetes.io/job-completion-index": str(index),
        }
        self.add_pod(name, phase, labels, **status)
        return name

    def say(self, pod: str, line: str) -> None:
        self.logs[pod].append(f"{time.time_ns() / 1e9:.9f} {line}\n")  # the kubelet's have nine digits, too

    def end(self, job: str, condition: str, reason: str = "", message: str = "") -> None:
        """Give a job the condition Complete or Failed."""
        told = {"type": condition, "status": "True", "reason": reason, "message": message}
        self.jobs[job]["status"] = {"conditions": [told]}

    def created(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["metadata"]["name"]
        self.jobs[name] = body | {"metadata": body["metadata"] | {"namespace": NAMESPACE, "creationTimestamp": now()}}
        if self.run_pods:
            self._run(self.jobs[name])
        return self.jobs[name]

    def deleted(self, name: str) -> None:
        if self.gone_after:
            self.gone_after -= 1
            self.jobs[name]["metadata"]["deletionTimestamp"] = now()
            return
        for process in self.processes:
            process.terminate()
            process.wait()
        for pod in [each for each in self.pods if each.startswith(f"{name}-")]:
            del self.pods[pod]
        del self.jobs[name]

    def lose(self, node: int) -> None:
        """Take a machine away, with all processes of the pod that was the so-many-th to start."""
        for process in processes_below(self.processes[node].pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.processes[node].wait()

    def stop(self) -> None:
        for node in range(len(self.processes)):
            self.lose(node)

    def _run(self, job: dict[str, Any]) -> None:
        name, trainer = job["metadata"]["name"], job["spec"]["trainer"]
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        pods = [self.add_node(name, index) for index in range(trainer["numNodes"])]
        for index, pod in enumerate(pods):
            trainers_own = {
                "PET_NNODES": str(trainer["numNodes"]),
                "PET_NPROC_PER_NODE": str(trainer["numProcPerNode"]),
                "PET_NODE_RANK": str(index),
                "PET_MASTER_ADDR": "127.0.0.1",
                "PET_MASTER_PORT": str(port),
                "TMPDIR": str(self.scratch),
            }
            process = subprocess.Popen(
                [sys.executable, *trainer["command"][1:], *trainer["args"]],
                env=plain_environment() | self._variables(trainer.get("env", [])) | trainers_own,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.processes.append(process)
            threading.Thread(target=self._watch, args=(name, pods, pod, process), daemon=True).start()

    def _variables(self, env: list[dict[str, Any]]) -> dict[str, str]:
        found = {}
        for each in env:
            key = each.get("valueFrom", {}).get("secretKeyRef")
            if key is None:
                found[each["name"]] = each["value"]
            elif key["key"] in self.secrets.get(key["name"], {}) or not key.get("optional"):
                found[each["name"]] = self.secrets[key["name"]][key["key"]]
        return found

    def _watch(self, job: str, pods: list[str], pod: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as said:
            for line in said:
                self.say(pod, line.rstrip("\n"))
        code = process.wait()
        if pod not in self.pods:
            return  # the job was deleted
        self.pods[pod]["status"]["phase"] = "Succeeded" if code == 0 else "Failed"
        phases = {self.pods[each]["status"]["phase"] for each in pods}
        if "Failed" in phases:
            self.end(job, "Failed", "JobsFailed", "jobset failed due to one or more job failures")
        elif phases == {"Succeeded"}:
            self.end(job, "Complete", "JobsCompleted", "jobset completed successfully")


class Handler(BaseHTTPRequestHandler):
    """HTTP in front of the cluster."""

    cluster: KubernetesApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self._note("get" if not query.get("labelSelector") else "list")
        if found := JOBS.match(path):
            self._job("GET", found[1])
        elif found := RUNTIMES.match(path):
            where = "cluster" if found[1] == "cluster" else "namespace"
            self._one(self.cluster.runtimes.get((where, found[2])), found[2])
        elif (found := PODS.match(path)) and found[2]:
            self._log(found[1])
        elif found:
            self._pods(found[1], query)
        elif path.endswith("/configmaps/kubeflow-trainer-public"):
            self._answer(200, {"data": {"kubeflow_trainer_version": "v2.3.0"}})
        else:
            self._answer(404, {"message": f"no {path}"})

    def do_POST(self) -> None:
        self._note("create")
        if self._refused("POST", "jobs"):
            return
        body = self._body()
        name = body["metadata"]["name"]
        self.cluster.asked.append(f"POST {name}")
        if name in self.cluster.jobs:
            self._answer(409, {"message": f"trainjobs {name!r} already exists"})
        else:
            self._answer(201, self.cluster.created(body))

    def do_PATCH(self) -> None:
        self._note("patch")
        assert self.headers["Content-Type"] == "application/merge-patch+json"  # others are not for custom resources
        name = JOBS.match(self.path)[1]
        self.cluster.asked.append(f"PATCH {name}")
        self.cluster.jobs[name]["spec"] |= self._body()["spec"]
        self._answer(200, self.cluster.jobs[name])

    def do_DELETE(self) -> None:
        self._note("delete")
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        assert query == "propagationPolicy=Foreground"  # else the job is gone before its pods
        name = JOBS.match(path)[1]
        self.cluster.asked.append(f"DELETE {name}")
        if name in self.cluster.jobs:
            self.cluster.deleted(name)
        self._answer(200, {"status": "Success"})

    def _note(self, verb: str) -> None:
        resource = RESOURCE.search(urlsplit(self.path).path)
        assert resource is not None
        self.cluster.used.add((verb, resource[1] + (resource[2] or "")))

    def _job(self, method: str, name: str) -> None:
        self.cluster.asked.append(f"{method} {name}")
        if self._refused(method, "jobs"):
            return
        job = self.cluster.jobs.get(name)
        self._one(job, name)
        if job and "deletionTimestamp" in job["metadata"]:
            self.cluster.deleted(name)

    def _pods(self, name: str | None, query: dict[str, list[str]]) -> None:
        if self._refused("GET", "pods"):
            return
        if name:
            self._one(self.cluster.pods.get(name), name)
            return
        wanted = dict(each.split("=") for each in query["labelSelector"][0].split(","))
        items = [pod for pod in self.cluster.pods.values() if wanted.items() <= pod["metadata"]["labels"].items()]
        self._answer(200, {"kind": "PodList", "apiVersion": "v1", "items": items})

    def _log(self, pod: str) -> None:
        """Follow a pod's log, as `kubectl logs --follow --timestamps` does."""
        if self._refused("GET", "log"):
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        told = 0
        while True:
            ended = pod not in self.cluster.pods or self.cluster.pods[pod]["status"]["phase"] != "Running"
            lines = self.cluster.logs[pod][told:]
            for line in lines:
                self._chunk(line.encode())
            told += len(lines)
            if ended:
                self._chunk(b"")
                return
            time.sleep(0.01)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _refused(self, method: str, what: str) -> bool:
        if (method, what) not in self.cluster.refused:
            return False
        status, message = self.cluster.refused[method, what]
        self._answer(status, {"message": message})
        return True

    def _one(self, found: dict[str, Any] | None, name: str) -> None:
        self._answer(200, found) if found else self._answer(404, {"message": f"{name!r} not found"})

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def processes_below(pid: int) -> list[int]:
    """A process and all that it started: a container's end is the end of all of them."""
    started = Path(f"/proc/{pid}/task/{pid}/children")
    below = [int(each) for each in started.read_text().split()] if started.exists() else []
    return [pid, *(each for child in below for each in processes_below(child))]


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain_environment() -> dict[str, str]:
    """This process's variables without those of a store: a pod has none but what its job says."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


@pytest.fixture
def kubernetes_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesApi]:
    """A cluster of its own for each test; the launcher runs in the pod `launcher` of a Workflow of KFP."""
    from kubernetes.config import kube_config

    cluster = KubernetesApi(tmp_path)
    cluster.add_pod("launcher")
    cluster.pods["launcher"]["metadata"]["ownerReferences"] = [{**WORKFLOW, "controller": True}]
    handler = type("Handler", (Handler,), {"cluster": cluster})
    server = HttpServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    config = tmp_path / "kubeconfig"
    config.write_text(json.dumps(kubeconfig(f"http://127.0.0.1:{server.server_port}")))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(config))
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setenv("KFP_POD_NAME", "launcher")
    try:
        yield cluster
    finally:
        cluster.stop()
        server.shutdown()
        server.server_close()


def kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": NAMESPACE}}],
        "clusters": [{"name": "test", "cluster": {"server": server}}],
        "users": [{"name": "test", "user": {}}],
    }
