"""Writing an ONNX file whose bytes depend on the model alone."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto, helper
from onnx.external_data_helper import set_external_data, write_external_data_tensors

import potstill
from potstill.errors import OptionError, ParityError

GRAPH_NAME = "classifier"
SMALL = 1024  # bytes; a tensor no larger stays in the graph, where shapes are read from it
LARGEST = 2**31 - 1  # bytes of a protobuf


def write_onnx(model: ModelProto, path: Path, facts: Mapping[str, Any], *, external: bool = False) -> None:
    """Strip what differs between machines and runs, add the facts an app needs, write, and check.

    Args:
        model: the graph; changed in place.
        path: the file.
        facts: small JSON values, kept as the model's metadata: label names, maximum length, source.
        external: whether weights lie beside the graph, in `<name>.data`.

    Raises:
        OptionError: it would be larger than a protobuf may be.
        ParityError: the graph breaks the ONNX specification.
    """
    strip(model)
    model.producer_name, model.producer_version, model.graph.name = "potstill", potstill.__version__, GRAPH_NAME
    helper.set_model_props(model, {name: _text(facts[name]) for name in sorted(facts)})
    if external:
        _move_weights(model, path)
    elif model.ByteSize() > LARGEST:
        raise OptionError(
            f"{path.name} would have {model.ByteSize()} bytes, a protobuf can have {LARGEST}; pass --external-data True"
        )
    path.write_bytes(model.SerializeToString(deterministic=True))
    if external:
        shutil.copymode(path, path.with_name(f"{path.name}.data"))  # onnx writes it for its owner alone
    try:
        onnx.checker.check_model(str(path), full_check=False)
    except onnx.checker.ValidationError as broken:
        why = str(broken).partition("\n")[0]
        raise ParityError(f"{path.name} breaks the ONNX specification: {why}; leave it out by --formats") from broken


def strip(model: ModelProto) -> None:
    """Clear comments, source lines, inferred types and unused operator sets; none of them changes what is computed."""
    model.ClearField("doc_string")
    model.graph.ClearField("doc_string")
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    for each in (*model.graph.initializer, *model.graph.input, *model.graph.output):
        each.ClearField("doc_string")
        each.ClearField("metadata_props")
    used = {node.domain for node in model.graph.node}
    kept = sorted(({each.domain: each.version for each in model.opset_import if each.domain in used}).items())
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in kept)


def _move_weights(model: ModelProto, path: Path) -> None:
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) > SMALL:
            set_external_data(tensor, f"{path.name}.data")
    write_external_data_tensors(model, str(path.parent))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
