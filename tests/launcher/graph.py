"""A compiled pipeline as the driver reads it: its tasks in an order that can be run, and where each input comes from.

Source: kubeflow/pipelines, backend/src/v2/driver (resolveInputs); api/v2alpha1/pipeline_spec.proto. Of the language of
pipelines, what potstill's compiled ones use is read, and anything else is refused: no loops, no pipelines within
pipelines, and of conditions only whether a parameter of the pipeline is given.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

UNREAD = ("parameterIterator", "artifactIterator", "iteratorPolicy")
CONDITION = re.compile(r"inputs\.parameter_values\['(?P<channel>[\w-]+)'\] != ''")


@dataclass(frozen=True)
class Task:
    """One task of a pipeline.

    Attributes:
        name: its name.
        after: the tasks that must have succeeded.
        inputs: of the IR's task: where each artifact and parameter comes from.
        component: of the IR: what goes in and out, and of which type.
        executor: of the IR: the container (image, command, args, env, resources), or the importer.
        retries: how often it may be tried again.
        given: parameters of the pipeline without which the task is not run.
    """

    name: str
    after: tuple[str, ...]
    inputs: Mapping[str, Any]
    component: Mapping[str, Any]
    executor: Mapping[str, Any]
    retries: int
    given: tuple[str, ...] = ()

    @property
    def container(self) -> Mapping[str, Any]:
        """Image, command, args, env and resources; empty for an importer."""
        return self.executor.get("container", {})

    def defined(self, way: str, what: str) -> Mapping[str, Any]:
        """Definitions of the component: `way` is input or output, `what` is artifacts or parameters."""
        return self.component.get(f"{way}Definitions", {}).get(what, {})


@dataclass(frozen=True)
class Pipeline:
    """A compiled pipeline: its name, its own parameters' definitions, and its tasks in an order that can be run."""

    name: str
    parameters: Mapping[str, Any]
    tasks: tuple[Task, ...]

    def task(self, name: str) -> Task:
        """Return a task by its name."""
        return next(task for task in self.tasks if task.name == name)

    def given(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Join arguments with the defaults, as the API server does for a new run.

        Raises:
            KeyError: an argument that the pipeline does not know, or one that it lacks.
        """
        if unknown := arguments.keys() - self.parameters.keys():
            raise KeyError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        defaults = {name: each["defaultValue"] for name, each in self.parameters.items() if "defaultValue" in each}
        if missing := self.parameters.keys() - defaults.keys() - arguments.keys():
            raise KeyError(f"{self.name} is not given {', '.join(sorted(missing))}")
        return {**defaults, **arguments}


def read_pipeline(path: Path) -> Pipeline:
    """Read the first YAML document of a compiled pipeline; the second is kfp-kubernetes' and places pods on nodes.

    Raises:
        NotImplementedError: the pipeline has loops, pipelines or other conditions within it.
    """
    spec = next(iter(yaml.safe_load_all(path.read_text(encoding="utf-8"))))
    parameters = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    return Pipeline(spec["pipelineInfo"]["name"], parameters, tuple(_tasks(spec["root"]["dag"], spec)))


def _tasks(dag: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Task]:
    entries = dag["tasks"]
    order = TopologicalSorter({name: entry.get("dependentTasks", ()) for name, entry in entries.items()})
    for name in order.static_order():
        component = spec["components"][entries[name]["componentRef"]["name"]]
        if "dag" in component:
            yield from _tasks_within(name, entries[name], component, spec)
        else:
            yield _task(name, entries[name], component, spec)


def _tasks_within(
    name: str, group: Mapping[str, Any], component: Mapping[str, Any], spec: Mapping[str, Any]
) -> Iterator[Task]:
    """The tasks of a condition, wired as if they stood outside of it."""
    asked = CONDITION.fullmatch(group.get("triggerPolicy", {}).get("condition", ""))
    if not asked or any(each in group for each in UNREAD):
        raise NotImplementedError(f"task {name} is more than one container")
    wires = group["inputs"]
    parameter = wires["parameters"][asked["channel"]]["componentInputParameter"]
    for task in _tasks(component["dag"], spec):
        yield replace(
            task,
            after=(*group.get("dependentTasks", ()), *task.after),
            inputs={
                "parameters": _wired(task, wires, "parameters", "componentInputParameter"),
                "artifacts": _wired(task, wires, "artifacts", "componentInputArtifact"),
            },
            given=(parameter, *(wires["parameters"][each]["componentInputParameter"] for each in task.given)),
        )


def _wired(task: Task, wires: Mapping[str, Any], what: str, through: str) -> dict[str, Any]:
    """Replace what comes through the condition by what goes into it."""
    sources = task.inputs.get(what, {})
    return {name: wires[what][each[through]] if through in each else each for name, each in sources.items()}


def _task(name: str, entry: Mapping[str, Any], component: Mapping[str, Any], spec: Mapping[str, Any]) -> Task:
    if any(each in entry for each in (*UNREAD, "triggerPolicy")):
        raise NotImplementedError(f"task {name} is more than one container")
    return Task(
        name=name,
        after=tuple(entry.get("dependentTasks", ())),
        inputs=entry.get("inputs", {}),
        component=component,
        executor=spec["deploymentSpec"]["executors"][component["executorLabel"]],
        retries=entry.get("retryPolicy", {}).get("maxRetryCount", 0),
    )
