"""What a network gives: arrays as they are described, and of a classifier the label and each label's probability."""

from typing import Any

import numpy.typing as npt
import torch

from potstill.coreml.features import array_type
from potstill.coreml.mlprogram.taken import NUMPY
from potstill.coreml.model import Label, Output
from potstill.coreml.package import Package
from potstill.errors import InputError

NUMBER = "doubleType"


class Outputs:
    """The described outputs of a network.

    Attributes:
        names: of all of them.
    """

    def __init__(self, package: Package, network: Any, five_axes: bool) -> None:
        described = package.model.description
        self._place, self._five_axes = package.path.name, five_axes
        self._label, self._probabilities = described.predictedFeatureName, described.predictedProbabilitiesName
        self._labels = labels_of(network) if package.kind == "neuralNetworkClassifier" else ()
        self._scores = (network.labelProbabilityLayerName or network.layers[-1].output[0]) if self._labels else ""
        self._types = {each.name: each.type for each in described.output}
        self.names = tuple(self._types)
        given = {name for layer in network.layers for name in layer.output}
        made = {self._label, self._probabilities} if self._labels else set()
        missing = sorted({*self.names, self._scores} - given - made - {""})
        if missing:
            raise InputError(f"{package.path}: no layer gives the outputs {', '.join(missing)}")

    def of(self, values: dict[str, torch.Tensor]) -> dict[str, Output]:
        """Turn the layers' tensors into outputs.

        Raises:
            InputError: a tensor has another number of entries than its output declares, or than there are labels.
        """
        found = self._classified(values[self._scores]) if self._labels else {}
        return {name: found[name] if name in found else self._array(name, values[name]) for name in self.names}

    def _classified(self, scores: torch.Tensor) -> dict[str, Output]:
        flat = scores.reshape(-1)
        if len(flat) != len(self._labels):
            raise InputError(f"{self._place}: {len(flat)} scores for {len(self._labels)} labels; export it again")
        shares: Any = dict(zip(self._labels, flat.tolist(), strict=True))
        return {self._label: self._labels[int(flat.argmax())], self._probabilities: shares}

    def _array(self, name: str, value: torch.Tensor) -> Output:
        if self._types[name].WhichOneof("Type") == NUMBER:
            return float(value)
        wanted = self._types[name].multiArrayType
        shape = tuple(wanted.shape) or (_without_batch(value) if self._five_axes else tuple(value.shape))
        if self._five_axes and len(shape) != value.dim() and value.numel() == torch.Size(shape).numel():
            value = value.reshape(shape)
        if tuple(value.shape) != shape:
            raise InputError(f"{self._place}: output {name} is {tuple(value.shape)}; declared is {shape}")
        array: npt.NDArray[Any] = value.numpy().astype(NUMPY[array_type(wanted)])
        return array


def labels_of(network: Any) -> tuple[Label, ...]:
    """The labels of a classifier, texts or whole numbers, in the order of its scores."""
    kind = network.WhichOneof("ClassLabels")
    return tuple(getattr(network, kind).vector) if kind else ()


def _without_batch(value: torch.Tensor) -> tuple[int, ...]:
    """(1, 1, C, 1, 1) is (C), and (1, 1, C, H, W) is (C, H, W)."""
    shape = tuple(value.shape)
    return shape[2:3] if shape[3:] == (1, 1) else shape[2:]
