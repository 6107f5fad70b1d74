"""What every opened model can do, whatever its kind."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from potstill.coreml.mlprogram.feature import Feature
from potstill.coreml.package import Package

Label = str | int
Output = npt.NDArray[np.generic] | str | int | float | Mapping[str, float] | Mapping[int, float]
Observe = Callable[[str, torch.Tensor], None]


class Model(Protocol):
    """A model that is ready to predict. It keeps no state: it may be called from several threads at once."""

    @property
    def package(self) -> Package:
        """What was opened."""

    @property
    def inputs(self) -> Mapping[str, Feature]:
        """Type and shapes of each input, by name."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what a prediction gives."""

    def predict(self, inputs: Mapping[str, npt.ArrayLike], observe: Observe | None = None) -> Mapping[str, Output]:
        """Compute every output.

        Args:
            inputs: an array for each input, of its type and of a shape that it allows.
            observe: called with the name and the value of each input and of each tensor of floats that is computed.

        Returns: by name, arrays of the declared type; of a classifier also its label, a text or a number, and a
            dictionary of each label's probability.

        Raises:
            InputError: inputs that the model does not declare so, or a step that fails.
        """
