"""Preparing a function of a package once: constants read and decompressed, operations bound, nothing left to find."""

from typing import Any

import torch

from potstill.coreml.mlprogram.argument import Argument
from potstill.coreml.mlprogram.block import Block
from potstill.coreml.mlprogram.kept import Kept
from potstill.coreml.mlprogram.step import Step, Values
from potstill.coreml.mlprogram.stored_weight import Weight
from potstill.coreml.package import Package


class Preparation:
    """A function made ready.

    Attributes:
        values: by slot, the constants; None where something is computed.
        inputs: the function's, in the package's order.
        outputs: likewise.
        steps: what to run, in order.
        results: of each step.
        weights: the constants that are computed with.
    """

    def __init__(self, package: Package, function: str = "") -> None:
        place = f"{package.path.name}, function {function or package.default}"
        kept = Kept(package.weights)
        self.inputs = self._inputs(package.function_named(function).inputs, kept, place)
        body = Block(kept, place, {each.name: each for each in self.inputs})
        with torch.inference_mode():
            self.outputs = body.prepare(package.block_of(function))
        kept.forget()
        self.values: Values = kept.values
        self.steps: list[Step] = body.steps
        self.results: list[tuple[Argument, ...]] = body.results
        self.weights: tuple[Weight, ...] = tuple(kept.weights.values())

    def _inputs(self, declared: Any, kept: Kept, place: str) -> tuple[Argument, ...]:
        return tuple(kept.declare(each, f"{place}, input {each.name}") for each in declared)
