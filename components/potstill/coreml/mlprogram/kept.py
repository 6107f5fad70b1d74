"""What a program keeps: its values by slot, and of its weights what the package says of them."""

from typing import Any

import torch

from potstill.coreml.mlprogram.argument import Argument, Chain
from potstill.coreml.mlprogram.stored_weight import Weight
from potstill.coreml.mlprogram.types import FLOATS, TensorType, stored_bytes, tensor_type
from potstill.coreml.mlprogram.values import read_constant
from potstill.coreml.mlprogram.weights import WeightFile


class Kept:
    """The values of a program in the making.

    Attributes:
        values: by slot, the constants; None where something is computed. Slot 0 stays None.
        weights: by name, the constants that are computed with.
        needed: the slots that are read when the program runs.
    """

    def __init__(self, file: WeightFile) -> None:
        self._file = file
        self.values: list[Any] = [None]
        self.weights: dict[str, Weight] = {}
        self.needed: set[int] = set()

    def declare(self, named: Any, place: str) -> Argument:
        """Make room for a computed value (a `MILSpec.NamedValueType`)."""
        return self.hold(named.name, tensor_type(named.type, place))

    def constant(self, name: str, value: Any, place: str) -> Argument:
        """Read a constant (a `MILSpec.Value`) from the file."""
        declared = tensor_type(value.type, place)
        chain = Chain(stored={_place(value): stored_bytes(declared)}) if declared else None
        return self.hold(name, declared, read_constant(value, self._file, place), chain)

    def hold(self, name: str, declared: TensorType | None, value: Any = None, chain: Chain | None = None) -> Argument:
        """Give a value a slot of its own."""
        self.values.append(value)
        return Argument(name, declared, len(self.values) - 1, value, chain)

    def settle(self, computed: Argument, chain: Chain | None) -> Argument:
        """Turn an argument that was computed once into a constant."""
        return Argument(computed.name, computed.type, computed.slot, self.values[computed.slot], chain)

    def note_weight(self, read: Argument) -> None:
        """Note a constant that an operation computes with, if it is a weight: floats out of the file."""
        declared, chain = read.type, read.chain
        if (
            declared is None
            or chain is None
            or declared.dtype not in FLOATS
            or not isinstance(read.constant, torch.Tensor)
        ):
            return
        weight = Weight(
            name=read.name,
            shape=declared.fixed,
            dtype=declared.dtype,
            operators=chain.operators,
            parts=chain.parts,
            stored_bytes=chain.stored_bytes,
            value=read.constant,
        )
        self.weights.setdefault(read.name, weight)

    def forget(self) -> None:
        """Let go of the constants that no step reads, such as those that were decompressed."""
        self.values = [value if slot in self.needed else None for slot, value in enumerate(self.values)]


def _place(value: Any) -> object:
    """Tell where a constant lies: at an offset of the weight file, or, as one of its own, in the model file."""
    return value.blobFileValue.offset if value.WhichOneof("value") == "blobFileValue" else object()
