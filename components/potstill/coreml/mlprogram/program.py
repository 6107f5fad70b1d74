"""A package made ready to predict, over and over."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from potstill.coreml.mlprogram.preparation import Preparation
from potstill.coreml.mlprogram.step import round_to
from potstill.coreml.mlprogram.types import FLOATS, TensorType
from potstill.coreml.package import Package, open_package
from potstill.errors import InputError

Output = npt.NDArray[np.generic] | str | dict[str, float]


class Program:
    """A prepared package.

    It may be called from several threads at once, and a prediction depends on nothing but its inputs.

    Attributes:
        package: what was prepared.
        inputs: declared type and shape of each input.
        outputs: names of what a prediction gives.
        compressed: the constants that lie compressed in the package.
    """

    def __init__(self, package: Package) -> None:
        prepared = Preparation(package)
        self.package = package
        self.outputs = tuple(package.block.outputs)
        self.compressed = tuple(prepared.compressed)
        self.inputs = {
            each.name: declared
            for each in package.function.inputs
            if (declared := prepared.arguments[each.name].type) is not None
        }
        self._constants, self._steps = prepared.values, prepared.steps
        self._slots = {name: prepared.arguments[name].slot for name in (*self.inputs, *self.outputs)}
        self._types = {name: prepared.arguments[name].type for name in self.outputs}

    def predict(self, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, Output]:
        """Compute every output.

        Args:
            inputs: an array for each input, of its declared shape.

        Returns: arrays of the declared type, by name; for a classifier also its label, a text, and each label's
            probability.

        Raises:
            InputError: inputs that the package does not declare so, or an operation that fails or whose result is not
                of the type and shape that the package declares.
        """
        if inputs.keys() != self.inputs.keys():
            raise InputError(f"inputs are {', '.join(sorted(inputs))}; wanted are {', '.join(sorted(self.inputs))}")
        values = self._constants.copy()
        with torch.inference_mode():
            for name, declared in self.inputs.items():
                values[self._slots[name]] = _input(name, np.asarray(inputs[name]), declared)
            for step in self._steps:
                step(values)
        return {name: _output(values[self._slots[name]], self._types[name]) for name in self.outputs}


def load(path: Path) -> Program:
    """Open a .mlpackage and prepare its default function: constants are read and decompressed once.

    Args:
        path: the package's folder.

    Raises:
        InputError: not a package, a damaged one, or one with an operator, type or flexible shape that is not executed.
    """
    return Program(open_package(path))


def _input(name: str, array: npt.NDArray[np.generic], declared: TensorType) -> torch.Tensor:
    kinds = "f" if declared.dtype in FLOATS else "iu"
    if array.shape != declared.shape or array.dtype.kind not in kinds:
        raise InputError(f"input {name} is {array.shape} {array.dtype}; wanted is {declared.shape} {declared.dtype}")
    return round_to(torch.from_numpy(array), declared)


def _output(value: torch.Tensor | str | dict[str, float], declared: TensorType | None) -> Output:
    if not isinstance(value, torch.Tensor):
        return value
    array: npt.NDArray[np.generic] = value.numpy()
    return array.astype(np.float16) if declared and declared.dtype == "FLOAT16" else array
