"""A neural network made ready to predict: its layers, one after the other, in float32."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from potstill.coreml.damage import FAILURES, damage_at, line
from potstill.coreml.features import described_input
from potstill.coreml.mlprogram.taken import held, taken
from potstill.coreml.model import Observe, Output
from potstill.coreml.neural_network.layers import LAYERS
from potstill.coreml.neural_network.outputs import Outputs
from potstill.coreml.neural_network.table import Compute
from potstill.coreml.package import Package
from potstill.errors import InputError

FIVE_AXES = 0  # RANK5_ARRAY_MAPPING: inputs become (sequence, batch, channel, height, width)

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Step:
    """One layer.

    Attributes:
        compute: from its inputs to its output or outputs.
        reads: names of what it reads.
        gives: names of what it computes.
        place: where it stands, for errors.
    """

    compute: Compute
    reads: tuple[str, ...]
    gives: tuple[str, ...]
    place: str

    def run(self, values: Tensors) -> None:
        """Compute and keep.

        Raises:
            InputError: the layer does not take such tensors.
        """
        try:
            found = self.compute(*[values[name] for name in self.reads])
        except FAILURES as failure:
            raise InputError(f"{self.place}: {line(failure)}") from failure
        values.update(zip(self.gives, found if isinstance(found, tuple) else (found,), strict=True))


class Network:
    """A `neuralNetwork`, `neuralNetworkClassifier` or `neuralNetworkRegressor`, also an updatable one as it stands.

    It may be called from several threads at once, and a prediction depends on nothing but its inputs.

    Attributes:
        package: what was prepared.
        inputs: declared type and shape of each input.
        outputs: names of what a prediction gives.
    """

    def __init__(self, package: Package) -> None:
        self.package = package
        described, network = package.model.description, getattr(package.model, package.kind)
        self.inputs = {each.name: described_input(each, package.path.name) for each in described.input}
        self._five_axes = network.arrayInputShapeMapping == FIVE_AXES
        self._steps = _steps(network, package.path.name, set(self.inputs))
        self._outputs = Outputs(package, network, self._five_axes)
        self.outputs = self._outputs.names

    def predict(self, inputs: Mapping[str, npt.ArrayLike], observe: Observe | None = None) -> dict[str, Output]:
        """Compute every output; see `Model.predict`."""
        if inputs.keys() != self.inputs.keys():
            raise InputError(f"inputs are {', '.join(sorted(inputs))}; wanted are {', '.join(sorted(self.inputs))}")
        values = {name: self._tensor(name, taken(name, inputs[name], each)) for name, each in self.inputs.items()}
        with torch.inference_mode(), damage_at(self.package.path.name):
            for step in self._steps:
                step.run(values)
        if observe:
            for name, value in values.items():
                observe(name, value)
        with damage_at(self.package.path.name):
            return self._outputs.of(values)

    def _tensor(self, name: str, array: npt.NDArray[Any]) -> torch.Tensor:
        tensor = torch.from_numpy(held(name, array, np.float32))
        if not self._five_axes:
            return tensor if tensor.dim() else tensor.reshape(1)
        return tensor.reshape(1, 1, *(tuple(tensor.shape) if tensor.dim() == 3 else (-1, 1, 1)))


def _steps(network: Any, name: str, known: set[str]) -> list[Step]:
    steps = []
    for number, layer in enumerate(network.layers):
        kind = layer.WhichOneof("layer") or "of no type"
        place = f"{name}, layer {number} {layer.name} ({kind})"
        missing = [each for each in layer.input if each not in known]
        if missing:
            raise InputError(f"{place}: nothing before it gives {', '.join(missing)}")
        steps.append(Step(_made(layer, kind, place), tuple(layer.input), tuple(layer.output), place))
        known |= set(layer.output)
    return steps


def _made(layer: Any, kind: str, place: str) -> Compute:
    if kind not in LAYERS:
        raise InputError(f"{place}: layers of this type are not known; known are: {_listed(sorted(LAYERS))}")
    try:
        return LAYERS[kind](getattr(layer, kind))
    except FAILURES as refused:
        raise InputError(f"{place}: {line(refused)}") from refused


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
