"""Preparing a package once: constants read and decompressed, each operation bound and checked, nothing left to look up.

What depends on constants alone (decompression, lookups of positions) is computed here, and never again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from potstill.coreml.mlprogram.binding import Argument, Arguments, bind
from potstill.coreml.mlprogram.step import Step, Values, classifier_step, tensor_step
from potstill.coreml.mlprogram.types import TensorType, tensor_type
from potstill.coreml.mlprogram.values import Constant, read_constant
from potstill.coreml.package import Package
from potstill.errors import InputError

NAME = "name"  # an attribute of every operation; it has no meaning for what is computed
COMPRESSED = "constexpr_"  # how the names of the operators begin that decompress a constant


@dataclass(frozen=True)
class Compressed:
    """A constant that lies compressed in the package.

    Attributes:
        name: of the value that it decompresses to.
        operator: which one decompresses it.
        parts: the operator's inputs as they lie in the file (data, scale, …), by parameter.
    """

    name: str
    operator: str
    parts: Mapping[str, Constant]


class Preparation:
    """A program in the making.

    Attributes:
        values: by slot, the constants; None where something is computed. Slot 0 stays None.
        steps: what to run, in order.
        arguments: by name, what later operations can read.
        compressed: the constants that lie compressed in the package.
    """

    def __init__(self, package: Package) -> None:
        self._package = package
        self.values: Values = [None]
        self.steps: list[Step] = []
        self.arguments: dict[str, Argument] = {}
        self.compressed: list[Compressed] = []
        for each in package.function.inputs:
            self._declare(each, f"{package.path.name}, input {each.name}")
        with torch.inference_mode():
            for number, operation in enumerate(package.block.operations):
                self._take(operation, f"{package.path.name}, operation {number} ({operation.type})")
        missing = [name for name in package.block.outputs if name not in self.arguments]
        if missing:
            raise InputError(f"{package.path}: no operation gives the outputs {', '.join(missing)}")

    def _take(self, operation: Any, place: str) -> None:
        if operation.type == "const":
            value = read_constant(operation.attributes["val"], self._package.weights, place)
            self._declare(operation.outputs[0], place, value)
            return
        arguments = self._arguments_of(operation, place)
        bound = bind(operation.type, arguments, place)
        results = [self._declare(each, place) for each in operation.outputs]
        if len(results) != 1 or results[0].type is None:
            self.steps.append(classifier_step(bound, [each.slot for each in results], place))
            return
        step = tensor_step(bound, results[0].type, results[0].slot, place)
        if bound.constant:
            self._compute_once(step, operation, arguments)
        else:
            self.steps.append(step)

    def _compute_once(self, step: Step, operation: Any, arguments: Arguments) -> None:
        step(self.values)
        name = operation.outputs[0].name
        result = self.arguments[name]
        self.arguments[name] = Argument(result.type, result.slot, self.values[result.slot])
        if operation.type.startswith(COMPRESSED):
            parts = {each: bound_to[0].constant for each, bound_to in arguments.items()}
            self.compressed.append(Compressed(name, operation.type, parts))

    def _arguments_of(self, operation: Any, place: str) -> Arguments:
        given = {name: [self._constant(value, place)] for name, value in operation.attributes.items() if name != NAME}
        for name, bindings in operation.inputs.items():
            given[name] = [self._read(each, place) for each in bindings.arguments]
        return given

    def _read(self, binding: Any, place: str) -> Argument:
        if binding.WhichOneof("binding") == "value":
            return self._constant(binding.value, place)
        if binding.name not in self.arguments:
            raise InputError(f"{place}: nothing before it gives {binding.name!r}")
        return self.arguments[binding.name]

    def _constant(self, value: Any, place: str) -> Argument:
        constant = read_constant(value, self._package.weights, place)
        return self._keep(tensor_type(value.type, place), constant)

    def _declare(self, named: Any, place: str, value: Any = None) -> Argument:
        argument = self._keep(tensor_type(named.type, place), value)
        self.arguments[named.name] = argument
        return argument

    def _keep(self, declared: TensorType | None, value: Any) -> Argument:
        self.values.append(value)
        return Argument(declared, len(self.values) - 1, value)
