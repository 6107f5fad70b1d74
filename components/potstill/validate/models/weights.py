"""What each part of a model weighs in its file: embeddings, the encoder's layers, the head, and what is left."""

import json
from collections.abc import Iterable
from math import prod
from pathlib import Path

import onnx

from potstill.coreml.inspection.reading import read_facts
from potstill.coreml.inspection.sizes import GRAPH
from potstill.coreml.package import open_package
from potstill.measure.parts import EMBEDDINGS, HEAD, OTHER, part_of
from potstill.measure.size import size_on_disk

ENCODER, REST = "encoder", "other"
SAFETENSORS_LENGTH = 8  # bytes that tell the length of the header; huggingface/safetensors, Format


def weights_by_part(weights: Path) -> dict[str, int]:
    """Sum up a `model.safetensors`: bytes by EMBEDDINGS, ENCODER, HEAD and REST, which make its size."""
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(SAFETENSORS_LENGTH), "little")))
    places = {name: each["data_offsets"] for name, each in header.items() if name != "__metadata__"}
    return _summed(((part_of(name), end - begin) for name, (begin, end) in places.items()), size_on_disk(weights))


def initializers_by_part(file: Path) -> dict[str, int]:
    """Sum up an ONNX file, its external data with it, likewise.

    An initializer whose own name tells nothing, as exporters number the transposed weights of MatMuls, belongs to what
    computes with it: a node's name is the path of the module that it comes from.
    """
    graph = onnx.load(file, load_external_data=False).graph
    users: dict[str, str] = {}
    for node in graph.node:
        users |= {name: node.name.replace("/", ".") for name in node.input if name not in users}
    found = ((_part(each.name, users.get(each.name, "")), _bytes(each)) for each in graph.initializer)
    return _summed(found, size_on_disk(file))


def package_by_part(package: Path) -> dict[str, int]:
    """Sum up a Core ML package, likewise."""
    facts = read_facts(open_package(package))
    return _summed(((each.name, each.bytes) for each in facts.sizes if each.name != GRAPH), facts.bytes)


def _part(name: str, user: str) -> str:
    part = part_of(name)
    return part_of(user) if part == OTHER else part


def _bytes(initializer: onnx.TensorProto) -> int:
    """The size of its values, wherever they lie."""
    width = int(onnx.helper.tensor_dtype_to_np_dtype(initializer.data_type).itemsize)
    return prod(map(int, initializer.dims)) * width


def _summed(weights: Iterable[tuple[str, int]], whole: int) -> dict[str, int]:
    found = {EMBEDDINGS: 0, ENCODER: 0, HEAD: 0}
    for part, size in weights:
        name = ENCODER if part.startswith("layer ") else part
        if name in found:
            found[name] += size
    return {**found, REST: max(0, whole - sum(found.values()))}
