"""What a component is given and gives back: ExecutorInput, the placeholders of its command, ExecutorOutput.

Source: kubeflow/pipelines, backend/src/v2/driver (resolveInputs, provisionOutputs) and component/launcher_v2.go
(addDefaultParams, getPlaceholders, getExecutorOutputFile, mergeRuntimeArtifacts, collectOutputParameters). An artifact
is what protojson makes of a RuntimeArtifact: {"name": …, "uri": …, "type": {"schemaTitle": …, …}, "metadata": {…}}.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.launcher.graph import Task

LOG = "executor-logs"
OUTPUT_FILE = "tmp/kfp_outputs/output_metadata.json"
PARAMETERS = "tmp/kfp/outputs"

Artifact = dict[str, Any]
Json = dict[str, Any]


@dataclass(frozen=True)
class Outputs:
    """What a task gave: its artifacts and parameters, by name."""

    artifacts: Mapping[str, Artifact]
    parameters: Mapping[str, Any]


def resolve(task: Task, arguments: Mapping[str, Any], done: Mapping[str, Outputs]) -> Json:
    """Find a task's inputs: what the pipeline was given, what other tasks gave, constants, defaults for the rest.

    An optional artifact that is not wired is not there at all; the component then gets None.
    """
    wired = task.inputs.get("parameters", {})
    defined = task.defined("input", "parameters")
    defaults = {name: each["defaultValue"] for name, each in defined.items() if "defaultValue" in each}
    values = defaults | {name: _value(source, arguments, done) for name, source in wired.items()}
    artifacts = {name: _artifact(source, done) for name, source in task.inputs.get("artifacts", {}).items()}
    return {
        "parameterValues": {name: as_protojson(value) for name, value in values.items()},
        "artifacts": {name: {"artifacts": [artifact]} for name, artifact in artifacts.items()},
    }


def _value(source: Mapping[str, Any], arguments: Mapping[str, Any], done: Mapping[str, Outputs]) -> Any:
    match source:
        case {"componentInputParameter": name}:
            return arguments[name]
        case {"taskOutputParameter": {"producerTask": task, "outputParameterKey": name}}:
            return done[task].parameters[name]
        case {"runtimeValue": {"constant": constant}}:
            return constant
    raise NotImplementedError(f"a parameter from {source}")


def _artifact(source: Mapping[str, Any], done: Mapping[str, Outputs]) -> Artifact:
    match source:
        case {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": name}}:
            return done[task].artifacts[name]
    raise NotImplementedError(f"an artifact from {source}")


def as_protojson(value: Any) -> Any:
    """Write a number as protobuf's JSON does: 2.0 as 2, so that a component's float arrives as a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def provision(task: Task, prefix: str, root: str) -> Json:
    """Say where a task's outputs go, its log among them.

    Args:
        task: the task.
        prefix: URI of this task in this run; all attempts share it.
        root: what the pod's paths begin with; empty in an image.
    """
    artifacts = {name: _new(name, each, prefix) for name, each in task.defined("output", "artifacts").items()}
    artifacts[LOG] = _new(LOG, {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}, prefix)
    parameters = task.defined("output", "parameters")
    return {
        "artifacts": {name: {"artifacts": [artifact]} for name, artifact in artifacts.items()},
        "parameters": {name: {"outputFile": f"{root}/{PARAMETERS}/{name}"} for name in parameters},
        "outputFile": f"{root}/{OUTPUT_FILE}",
    }


def _new(name: str, definition: Mapping[str, Any], prefix: str) -> Artifact:
    return {"name": name, "uri": f"{prefix}/{name}", "type": definition["artifactType"], "metadata": {}}


def fill(words: list[str], given: Json, root: str) -> list[str]:
    """Replace the placeholders of a command by what they stand for."""
    inputs, outputs = given["inputs"], given["outputs"]
    known = {"{{$}}": json.dumps(given, ensure_ascii=False)}
    for way, each in (("inputs", inputs), ("outputs", outputs)):
        for name, listed in each["artifacts"].items():
            uri = listed["artifacts"][0]["uri"]
            known[f"{{{{$.{way}.artifacts['{name}'].uri}}}}"] = uri
            known[f"{{{{$.{way}.artifacts['{name}'].path}}}}"] = f"{root}/s3/{uri.removeprefix('s3://')}"
    for name, value in inputs["parameterValues"].items():
        known[f"{{{{$.inputs.parameters['{name}']}}}}"] = value if isinstance(value, str) else json.dumps(value)
    for name, each in outputs["parameters"].items():
        known[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = each["outputFile"]
    for placeholder, value in known.items():
        words = [word.replace(placeholder, value) for word in words]
    return words


def collect(given: Json, pod: Path) -> Outputs:
    """Read what the component says of its outputs, when it has ended well; its word on an artifact's URI is taken.

    Args:
        given: its ExecutorInput.
        pod: the pod's root on this machine.
    """
    path = pod / OUTPUT_FILE
    said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    artifacts = {}
    for name, listed in given["outputs"]["artifacts"].items():
        merged = dict(listed["artifacts"][0])
        for each in said.get("artifacts", {}).get(name, {}).get("artifacts", ())[:1]:
            merged["uri"] = each.get("uri") or merged["uri"]
            merged["metadata"] = {**merged["metadata"], **each.get("metadata", {})}
        artifacts[name] = merged
    parameters = dict(said.get("parameterValues", {}))
    for name in given["outputs"]["parameters"].keys() - parameters.keys():
        parameters[name] = (pod / PARAMETERS / name).read_text(encoding="utf-8")
    return Outputs(artifacts, parameters)
