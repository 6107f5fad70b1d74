"""One run of a compiled pipeline, as the backend makes it: the driver prepares a task, the launcher runs it.

    run = Run(read_pipeline(path), arguments, open_store(server), "s3://bucket/prefix", ImagePods(), scratch)
    for outcome in run: …              # task after task; the first that fails is the last
    run.step("prune", student=uri)     # one task alone, with another artifact for an input

Source: kubeflow/pipelines, backend/src/v2/driver/container.go and component/launcher_v2.go (Execute, executeV2).
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from tests.launcher.executor_input import LOG, Json, Outputs, collect, fill, provision, resolve
from tests.launcher.graph import Pipeline, Task
from tests.launcher.pod import Ended
from tests.launcher.pods import WRITABLE, Launch, Pods
from tests.launcher.transfer import SCHEME, Store, local

LAUNCHER_FAILED = 1
RETRIES = 1  # at most, and without waiting: what fails twice here fails always
NOTHING = Outputs({}, {})


@dataclass(frozen=True)
class Outcome:
    """What one attempt at a task came to.

    Attributes:
        task: its name.
        code: the command's exit code; an importer's is 0, and 1 is also the launcher's own failure.
        log: what the command wrote, or why the launcher failed.
        uploaded: URIs of the objects that were written.
        outputs: artifacts and parameters; none of a task that failed.
        given: its ExecutorInput; empty for an importer.
    """

    task: str
    code: int
    log: str = ""
    uploaded: tuple[str, ...] = ()
    outputs: Outputs = NOTHING
    given: Json = field(default_factory=dict)


class Run:
    """A run: what it was given, and what its tasks gave so far."""

    def __init__(
        self, pipeline: Pipeline, arguments: Mapping[str, Any], store: Store, root: str, pods: Pods, scratch: Path
    ):
        """Begin a run.

        Args:
            pipeline: the compiled pipeline.
            arguments: its parameters; the rest are defaults.
            store: the store, with the keys of the pods' user.
            root: the pipeline root, s3://bucket/prefix.
            pods: how pods run.
            scratch: a folder for their files, which are gone when a pod is.
        """
        self.pipeline, self.arguments = pipeline, pipeline.given(arguments)
        self.store, self.pods, self.scratch = store, pods, scratch
        self.root = f"{root}/{pipeline.name}/{uuid4()}"
        self.done: dict[str, Outputs] = {}

    def __iter__(self) -> Iterator[Outcome]:
        """Run task after task; one that may be retried and fails is tried once more."""
        for task in self.pipeline.tasks:
            if not all(self.arguments[name] for name in task.given):
                continue
            for outcome in self.attempts(task.name, min(RETRIES, task.retries)):
                yield outcome
                if outcome.code == 0:
                    break
            if task.name not in self.done:
                return  # what depends on it never starts, and the rest of the run ends as failed, too

    def attempts(self, name: str, retries: int = 0, **instead: str) -> Iterator[Outcome]:
        """Attempt a task once, and again as often as wanted: a new pod each, with the same URIs for its outputs."""
        task = self.pipeline.task(name)
        if "importer" in task.executor:
            yield self._import(task)
            return
        prefix = f"{self.root}/{name}/{uuid4()}"
        for _ in range(1 + retries):
            yield self._launch(task, prefix, instead)

    def step(self, name: str, **instead: str) -> Outcome:
        """Attempt one task, once.

        Args:
            name: the task; those it comes after must have run.
            instead: URIs of artifacts that stand in the place of its inputs, by the inputs' names.
        """
        return next(self.attempts(name, **instead))

    def wired(self, name: str, given: str) -> str:
        """Return the URI of the artifact that a task is wired to read, by the input's name."""
        inputs = resolve(self.pipeline.task(name), self.arguments, self.done)
        return str(inputs["artifacts"][given]["artifacts"][0]["uri"])

    def _import(self, task: Task) -> Outcome:
        """Give a URI its type; nothing is looked at or copied. Source: component/importer_launcher.go."""
        uri = resolve(task, self.arguments, self.done)["parameterValues"]["uri"]
        artifact = {"name": "artifact", "uri": uri, "type": task.executor["importer"]["typeSchema"], "metadata": {}}
        outputs = self.done[task.name] = Outputs({"artifact": artifact}, {})
        return Outcome(task.name, 0, outputs=outputs)

    def _launch(self, task: Task, prefix: str, instead: Mapping[str, str]) -> Outcome:
        pod = self.scratch / f"{task.name}-{uuid4().hex[:8]}"
        for folder in WRITABLE:
            (pod / folder).mkdir(parents=True)
        try:
            return self._execute(task, self._given(task, prefix, pod, instead), pod)
        finally:
            shutil.rmtree(pod)

    def _given(self, task: Task, prefix: str, pod: Path, instead: Mapping[str, str]) -> Json:
        inputs = resolve(task, self.arguments, self.done)
        for name, uri in instead.items():
            artifact = inputs["artifacts"][name]["artifacts"][0]
            inputs["artifacts"][name] = {"artifacts": [{**artifact, "uri": uri}]}
        return {"inputs": inputs, "outputs": provision(task, prefix, self.pods.root(pod))}

    def _execute(self, task: Task, given: Json, pod: Path) -> Outcome:
        try:
            for listed in given["inputs"]["artifacts"].values():
                for artifact in listed["artifacts"]:
                    self.store.download(artifact["uri"], pod)
        except ClientError as refused:
            return Outcome(task.name, LAUNCHER_FAILED, f"the launcher failed to download: {refused}", given=given)
        outputs = {name: listed["artifacts"][0]["uri"] for name, listed in given["outputs"]["artifacts"].items()}
        for uri in outputs.values():
            (pod / local(uri)).parent.mkdir(parents=True, exist_ok=True)
        ended = self._run(task, given, pod)
        (pod / local(outputs[LOG])).write_text(ended.log, encoding="utf-8")
        if ended.code:
            uploaded = self.store.upload(pod / local(outputs[LOG]), outputs[LOG])  # and nothing else
            return Outcome(task.name, ended.code, ended.log, tuple(uploaded), given=given)
        made = self.done[task.name] = collect(given, pod)
        places = [artifact["uri"] for artifact in made.artifacts.values()]
        uploaded = [each for uri in places for each in self.store.upload(pod / local(uri), uri)]
        return Outcome(task.name, 0, ended.log, tuple(uploaded), made, given)

    def _run(self, task: Task, given: Json, pod: Path) -> Ended:
        """Run the command; only a task whose parameters point to S3 has the network and the keys."""
        words = [*task.container.get("command", ()), *task.container.get("args", ())]
        command = fill(words, given, self.pods.root(pod))
        environment = {each["name"]: each["value"] for each in task.container.get("env", ())}
        values = given["inputs"]["parameterValues"].values()
        speaks = any(isinstance(value, str) and value.startswith(SCHEME) for value in values)
        environment |= self.store.environment if speaks else {}
        return self.pods.run(Launch(task.container, command, pod, environment, "host" if speaks else "none"))
