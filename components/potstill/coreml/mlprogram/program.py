"""A package made ready to predict, over and over."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch

from potstill.coreml.damage import damage_at
from potstill.coreml.mlprogram.argument import Argument
from potstill.coreml.mlprogram.feature import Feature, feature
from potstill.coreml.mlprogram.preparation import Preparation
from potstill.coreml.mlprogram.step import Values, round_to
from potstill.coreml.mlprogram.taken import taken
from potstill.coreml.mlprogram.types import FLOATS, TensorType
from potstill.coreml.package import Package
from potstill.errors import InputError

Output = npt.NDArray[np.generic] | str | int | dict[str, float] | dict[int, float]
Observe = Callable[[str, torch.Tensor], None]


class Program:
    """A prepared function of a package.

    It may be called from several threads at once, and a prediction depends on nothing but its inputs.

    Attributes:
        package: what was prepared.
        function: the name of the function; empty for the one that the package calls by default.
        inputs: declared type of each input, and the shapes that it takes.
        outputs: names of what a prediction gives.
        weights: the constants that are computed with, and how each lies in the file.
    """

    def __init__(self, package: Package, function: str = "") -> None:
        prepared = Preparation(package, function)
        described = {each.name: each for each in package.described(function).input}
        self.package, self.function = package, function
        self.weights = prepared.weights
        self.inputs: dict[str, Feature] = {
            each.name: feature(each.type, described.get(each.name)) for each in prepared.inputs if each.type
        }
        self.outputs = tuple(each.name for each in prepared.outputs)
        self._constants, self._steps, self._results = prepared.values, prepared.steps, prepared.results
        self._given, self._found = prepared.inputs, prepared.outputs

    def predict(self, inputs: Mapping[str, npt.ArrayLike], observe: Observe | None = None) -> dict[str, Output]:
        """Compute every output.

        Args:
            inputs: an array for each input, of a shape that it takes.
            observe: is called with the name and value of every floating input and of every floating value that an
                operation computes (float16 held as float32); it must not change them.

        Returns: arrays of the declared type, by name; for a classifier also its label, a text or a number, and each
            label's probability.

        Raises:
            InputError: inputs that the package does not declare so, or an operation that fails or whose result is not
                of the type and shape that the package declares.
        """
        values = self._constants.copy()
        with torch.inference_mode():
            self._take(inputs, values)
            if observe is None:
                with damage_at(self.package.path.name):
                    for step in self._steps:
                        step(values)
            else:
                self._observed(values, observe)
        with damage_at(self.package.path.name):
            return {each.name: _output(values[each.slot], each.type) for each in self._found}

    def _take(self, inputs: Mapping[str, npt.ArrayLike], values: Values) -> None:
        needed = {name for name, each in self.inputs.items() if each.optional is None}
        if not needed <= inputs.keys() <= self.inputs.keys():
            raise InputError(f"inputs are {', '.join(sorted(inputs))}; wanted are {', '.join(sorted(self.inputs))}")
        for each in self._given:
            wanted = self.inputs[each.name]
            array = inputs[each.name] if each.name in inputs else _left_out(wanted)
            assert each.type is not None
            values[each.slot] = round_to(torch.from_numpy(taken(each.name, array, wanted)), each.type)

    def _observed(self, values: Values, observe: Observe) -> None:
        _show(self._given, values, observe)
        for step, results in zip(self._steps, self._results, strict=True):
            with damage_at(self.package.path.name):
                step(values)
            _show(results, values, observe)


def _show(computed: tuple[Argument, ...], values: Values, observe: Observe) -> None:
    for each in computed:
        if each.type and each.type.dtype in FLOATS:
            observe(each.name, values[each.slot])


def _left_out(wanted: Feature) -> npt.NDArray[np.generic]:
    kind = np.float32 if wanted.dtype in FLOATS else np.int32
    return np.full(wanted.default, wanted.optional, kind)


def _output(value: torch.Tensor | str | int | dict[str, float], declared: TensorType | None) -> Output:
    if not isinstance(value, torch.Tensor):
        return value
    array: npt.NDArray[np.generic] = value.numpy()
    return array.astype(np.float16) if declared and declared.dtype == "FLOAT16" else array
