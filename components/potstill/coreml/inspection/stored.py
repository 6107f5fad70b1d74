"""The types of what lies in a program, by name: what is computed, and what each compressed weight is made of.

This reads the declaration and nothing else, so it also serves a program with an operator that is not executed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from potstill.coreml.mlprogram.types import NAMES

CONSTANT = "const"
COMPRESSED = "constexpr_"


@dataclass
class Declared:
    """What a block of operations declares.

    Attributes:
        operators: number of operations, by type; constants are none.
        activations: number of computed tensors, by type in lower case.
        makers: by name of a constant or compressed value, the operation that gives it.
        shapes: by name of a computed tensor, its shape; −1 where it is flexible.
        places: by type of operation, the names of what it gives.
    """

    operators: Counter[str] = field(default_factory=Counter)
    activations: Counter[str] = field(default_factory=Counter)
    makers: dict[str, Any] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    places: dict[str, list[Any]] = field(default_factory=dict)


def declared(block: Any) -> Declared:
    """Read a block and those that lie in its operations."""
    found = Declared()
    for operation in _operations(block):
        if operation.type == CONSTANT or operation.type.startswith(COMPRESSED):
            found.makers.update({each.name: operation for each in operation.outputs})
            continue
        found.operators[operation.type] += 1
        found.places.setdefault(operation.type, []).append(operation)
        for each in operation.outputs:
            if type_name(each.type) not in ("", "string"):
                found.activations[type_name(each.type)] += 1
                found.shapes[each.name] = shape_of(each.type)
    return found


def part_types(operation: Any, makers: Mapping[str, Any]) -> dict[str, str]:
    """Return the types of what a decompression reads, by parameter; of all operations of its chain."""
    found: dict[str, str] = {name: type_name(value.type) for name, value in operation.attributes.items()}
    for name, bindings in operation.inputs.items():
        binding = bindings.arguments[0]
        if binding.WhichOneof("binding") == "value":
            found[name] = type_name(binding.value.type)
        elif binding.name in makers:
            maker = makers[binding.name]
            if maker.type == CONSTANT:
                found[name] = type_name(maker.outputs[0].type)
            else:
                found = part_types(maker, makers) | found
    return found


def type_name(declared_type: Any) -> str:
    """Return the type of a tensor in lower case, such as float16; empty for what is no tensor."""
    return NAMES[declared_type.tensorType.dataType].lower() if declared_type.WhichOneof("type") == "tensorType" else ""


def shape_of(declared_type: Any) -> tuple[int, ...]:
    """Return a tensor's shape, −1 where it is flexible."""
    return tuple(
        int(each.constant.size) if each.WhichOneof("dimension") == "constant" else -1
        for each in declared_type.tensorType.dimensions
    )


def _operations(block: Any) -> Iterator[Any]:
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from _operations(inner)
