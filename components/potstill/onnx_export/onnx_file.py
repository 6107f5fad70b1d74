"""Writing an ONNX file whose bytes depend on the model alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto, helper

import potstill

GRAPH_NAME = "classifier"


def write_onnx(model: ModelProto, path: Path, facts: Mapping[str, Any]) -> None:
    """Strip what differs between machines and runs, add the facts an app needs, check, and write.

    Args:
        model: the graph; changed in place.
        path: the file.
        facts: small JSON values, kept as the model's metadata: label names, maximum length, source.

    Raises:
        onnx.checker.ValidationError: the graph breaks the ONNX specification.
    """
    strip(model)
    model.producer_name, model.producer_version, model.graph.name = "potstill", potstill.__version__, GRAPH_NAME
    helper.set_model_props(model, {name: _text(facts[name]) for name in sorted(facts)})
    onnx.checker.check_model(model, full_check=False)
    path.write_bytes(model.SerializeToString(deterministic=True))


def strip(model: ModelProto) -> None:
    """Clear comments, source lines, inferred types and unused operator sets; none of them changes what is computed."""
    model.ClearField("doc_string")
    model.graph.ClearField("doc_string")
    model.graph.ClearField("value_info")
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    used = {node.domain for node in model.graph.node}
    kept = sorted(({each.domain: each.version for each in model.opset_import if each.domain in used}).items())
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in kept)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
