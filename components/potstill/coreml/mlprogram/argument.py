"""What operations read: computed values and constants, and how a constant came out of the file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from potstill.coreml.mlprogram.types import TensorType
from potstill.coreml.mlprogram.values import Constant


@dataclass(frozen=True, eq=False)
class Chain:
    """The way of a constant from the file to its value.

    Attributes:
        operators: which decompress it, in order.
        parts: what they read from the file, by parameter.
        stored: what each part takes in the file, by where it lies; constants of one content may share a place.
    """

    operators: tuple[str, ...] = ()
    parts: Mapping[str, Constant] = field(default_factory=dict)
    stored: Mapping[object, int] = field(default_factory=dict)

    @property
    def stored_bytes(self) -> int:
        """What all parts take in the file."""
        return sum(self.stored.values())


@dataclass(frozen=True, eq=False)
class Argument:
    """Something that an operation reads.

    Attributes:
        name: what the package calls it; empty for a value that stands where it is read.
        type: its declared type; None for a list of texts.
        slot: where the program keeps it.
        constant: its value; None where it is computed while the program runs.
        chain: how it came out of the file; None where it was computed, be it once.
    """

    name: str
    type: TensorType | None
    slot: int
    constant: Any = None
    chain: Chain | None = None


Arguments = Mapping[str, Sequence[Argument]]  # by parameter; more than one only where it takes a list of tensors


def join(operator: str, arguments: Arguments) -> Chain:
    """Lengthen the chains of an operator's arguments by the operator itself."""
    read = {name: bound[0] for name, bound in arguments.items()}
    chains = _unique(each.chain for each in read.values() if each.chain)
    parts: dict[str, Constant] = {}
    for name, each in read.items():
        parts |= each.chain.parts if each.chain and each.chain.operators else {name: each.constant}
    operators = [name for chain in chains for name in chain.operators]
    stored = {place: size for chain in chains for place, size in chain.stored.items()}
    return Chain((*operators, operator), parts, stored)


def _unique(chains: Iterable[Chain]) -> list[Chain]:
    """Two results of one operator have one chain."""
    return list({id(each): each for each in chains}.values())
