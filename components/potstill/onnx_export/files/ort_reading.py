"""Taking an ORT file apart: the table of the kernels' types, and the bytes of the model behind it.

Source: onnxruntime/core/flatbuffers/schema/ort.fbs; https://flatbuffers.dev/internals.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from potstill.errors import ParityError
from potstill.onnx_export.graphs.noise import without_noise

with without_noise():  # importing it gives the whole process a log handler
    from onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs import InferenceSession

VERSION = b"6"  # of the format; onnxruntime 1.13 and later write it
IDENTIFIER = b"ORTM"
SESSION_STATE = 8  # byte of the root's field list where files before version 5 had one
# Fields of each kind of table in version 6; one more would be lost.
FIELDS = {"InferenceSession": 4, "KernelTypeStrResolver": 1, "OpIdKernelTypeStrArgsEntry": 2}
FIELDS |= {"KernelTypeStrArgsEntry": 2, "ArgTypeAndIndex": 2}
# Inputs and outputs (kind and number) by name of a type constraint, by operator.
KernelTypes: TypeAlias = dict[bytes, dict[bytes, tuple[tuple[int, int], ...]]]


@dataclass(frozen=True)
class OrtFile:
    """What an ORT file says.

    Attributes:
        kernels: operators, their type constraints, and the inputs and outputs that these bind.
        model: the bytes from the model's first to the file's last.
        table: where in `model` its table begins.
    """

    kernels: KernelTypes
    model: bytes
    table: int


@dataclass(frozen=True)
class Node:
    """A node of a graph: its operator, and the names of the values that it reads."""

    operator: str
    inputs: tuple[str, ...]


def ort_nodes(content: bytes) -> list[Node]:
    """Return the nodes of an ORT file, which are those that run.

    Raises:
        ParityError: it has no graph.
    """
    graph = InferenceSession.InferenceSession.GetRootAs(content, 0).Model().Graph()
    if graph is None:
        raise _refusal("it has no graph")
    nodes = [graph.Nodes(number) for number in range(graph.NodesLength())]
    return [Node(node.OpType().decode(), tuple(_inputs(node))) for node in nodes]


def _inputs(node: Any) -> list[str]:
    return [node.Inputs(number).decode() for number in range(node.InputsLength())]


def read_ort(content: bytes) -> OrtFile:
    """Take an ORT file apart.

    Raises:
        ParityError: it is damaged, of another version, or holds more than is known here.
    """
    try:
        return _read(content)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as broken:
        raise _refusal(f"it cannot be read ({broken})") from broken


def _read(content: bytes) -> OrtFile:
    if not InferenceSession.InferenceSession.InferenceSessionBufferHasIdentifier(content, 0):
        raise _refusal(f"it does not begin with {IDENTIFIER.decode()}")
    root = _known(InferenceSession.InferenceSession.GetRootAs(content, 0))
    if root.OrtVersion() != VERSION:
        raise _refusal(f"its version is {(root.OrtVersion() or b'none').decode()}")
    if root._tab.Offset(SESSION_STATE):  # noqa: SLF001 — as the generated code does
        raise _refusal("it has the state of a session, as files before version 5 do")
    model, resolver = root.Model(), root.KernelTypeStrResolver()
    if model is None or resolver is None:
        raise _refusal("it has no model or no table of types")
    table, fields = _place(model)
    begin = min(table, fields)
    if max(_place(root)[0], _place(resolver)[0]) >= begin:  # their lists of fields may be some that the model has, too
        raise _refusal("its model is not its last part")
    return OrtFile(_kernels(_known(resolver)), content[begin:], table - begin)


def _kernels(resolver: Any) -> KernelTypes:
    operators = _all(resolver.OpKernelTypeStrArgs, resolver.OpKernelTypeStrArgsLength())
    return {each.OpId(): _types(each) for each in operators}


def _types(operator: Any) -> dict[bytes, tuple[tuple[int, int], ...]]:
    types = _all(operator.KernelTypeStrArgs, operator.KernelTypeStrArgsLength())
    return {each.KernelTypeStr(): _bound(each) for each in types}


def _bound(constraint: Any) -> tuple[tuple[int, int], ...]:
    return tuple((each.ArgType(), each.Index()) for each in _all(constraint.Args, constraint.ArgsLength()))


def _all(at: Callable[[int], Any], length: int) -> list[Any]:
    return [_known(at(number)) for number in range(length)]


def _known(table: Any) -> Any:
    """Return a table unless its list of fields is longer than the schema's."""
    kind = type(table).__name__
    _, fields = _place(table)
    (size,) = struct.unpack_from("<H", table._tab.Bytes, fields)  # noqa: SLF001
    if size > 4 + 2 * FIELDS[kind]:  # two sizes of 2 bytes, then 2 bytes a field
        raise _refusal(f"its {kind} has more fields than {FIELDS[kind]}")
    return table


def _place(table: Any) -> tuple[int, int]:
    """Where a table begins, and where its list of fields does."""
    inside = table._tab  # noqa: SLF001
    (distance,) = struct.unpack_from("<i", inside.Bytes, inside.Pos)
    return inside.Pos, inside.Pos - distance


def _refusal(why: str) -> ParityError:
    return ParityError(
        f"onnxruntime wrote an ORT file that is not as it is known here: {why}; wanted is version {VERSION.decode()}. "
        "Leave the .ort formats out by --formats, or install the onnxruntime of the lock file"
    )
