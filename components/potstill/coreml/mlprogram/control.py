"""Conditions and loops: steps that run blocks of steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from potstill.coreml.mlprogram.argument import Argument
from potstill.coreml.mlprogram.step import Step, Values, settled
from potstill.errors import InputError


@dataclass(frozen=True)
class Branch:
    """A block that a condition or a loop runs.

    Attributes:
        steps: what to run.
        inputs: slots that are filled first.
        outputs: slots that hold what it gives.
    """

    steps: Sequence[Step]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def run(self, values: Values, given: Sequence[object] = ()) -> list[object]:
        """Run the block and return its outputs."""
        for slot, value in zip(self.inputs, given, strict=True):
            values[slot] = value
        for step in self.steps:
            step(values)
        return [values[slot] for slot in self.outputs]


def condition_step(
    read: Sequence[Argument], branches: Sequence[Branch], results: Sequence[Argument], place: str
) -> Step:
    """Make the step of a `cond`: the first block where the predicate holds, else the second."""
    if len(branches) != 2 or len(read) != 1:
        raise InputError(f"{place}: a condition has one predicate and two blocks, got {len(read)} and {len(branches)}")
    predicate, (true, false) = read[0].slot, branches

    def step(values: Values) -> None:
        found = (true if values[predicate].item() else false).run(values)
        _keep(values, found, results, place)

    return step


def loop_step(read: Sequence[Argument], branches: Sequence[Branch], results: Sequence[Argument], place: str) -> Step:
    """Make the step of a `while_loop`: as long as the first block gives true, the second gives the next values."""
    if len(branches) != 2:
        raise InputError(f"{place}: a loop has two blocks, its condition and its body, got {len(branches)}")
    again, body = branches

    def step(values: Values) -> None:
        found: list[object] = [values[each.slot] for each in read]
        while again.run(values, found)[0].item():  # type: ignore[attr-defined]
            found = body.run(values, found)
        _keep(values, found, results, place)

    return step


def _keep(values: Values, found: Sequence[object], results: Sequence[Argument], place: str) -> None:
    for target, value in zip(results, found, strict=True):
        values[target.slot] = settled(value, target, True, place)  # type: ignore[arg-type]
