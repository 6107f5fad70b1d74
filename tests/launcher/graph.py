"""A compiled pipeline as the driver reads it: its tasks in an order that can be run, and where each input comes from.

Source: kubeflow/pipelines, backend/src/v2/driver (resolveInputs); api/v2alpha1/pipeline_spec.proto. Of the language of
pipelines, what potstill's compiled ones use is read, and anything else is refused: no loops, conditions or pipelines
within pipelines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

UNREAD = ("triggerPolicy", "parameterIterator", "artifactIterator", "iteratorPolicy")


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
    """

    name: str
    after: tuple[str, ...]
    inputs: Mapping[str, Any]
    component: Mapping[str, Any]
    executor: Mapping[str, Any]
    retries: int

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
        NotImplementedError: the pipeline has loops, conditions or pipelines within it.
    """
    spec = next(iter(yaml.safe_load_all(path.read_text(encoding="utf-8"))))
    entries = spec["root"]["dag"]["tasks"]
    order = TopologicalSorter({name: entry.get("dependentTasks", ()) for name, entry in entries.items()})
    tasks = tuple(_task(name, entries[name], spec) for name in order.static_order())
    parameters = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    return Pipeline(spec["pipelineInfo"]["name"], parameters, tasks)


def _task(name: str, entry: Mapping[str, Any], spec: Mapping[str, Any]) -> Task:
    component = spec["components"][entry["componentRef"]["name"]]
    if "dag" in component or any(each in entry for each in UNREAD):
        raise NotImplementedError(f"task {name} is more than one container")
    return Task(
        name=name,
        after=tuple(entry.get("dependentTasks", ())),
        inputs=entry.get("inputs", {}),
        component=component,
        executor=spec["deploymentSpec"]["executors"][component["executorLabel"]],
        retries=entry.get("retryPolicy", {}).get("maxRetryCount", 0),
    )
