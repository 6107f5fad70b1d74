"""A pipeline made ready to predict: models one after the other, each taking what those before it gave."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from potstill.coreml.damage import damage_at
from potstill.coreml.features import described_input
from potstill.coreml.model import Model, Observe, Output
from potstill.coreml.package import Package
from potstill.errors import InputError


class Pipeline:
    """A `pipeline`, `pipelineClassifier` or `pipelineRegressor`.

    Each part checks what it is given against what it declares, so a type or shape that does not pass from one model to
    the next is an error here, as it is in an app.

    Attributes:
        package: what was prepared.
        parts: its models, in order.
        inputs: declared type and shape of each input.
        outputs: names of what a prediction gives.
    """

    def __init__(self, package: Package, parts: Sequence[Model]) -> None:
        """Take the parts.

        Args:
            package: the pipeline.
            parts: its models, ready to predict.

        Raises:
            InputError: a part reads something that nothing before it gives, or so does the pipeline's description.
        """
        described = package.model.description
        self.package, self.parts = package, tuple(parts)
        self.inputs = {each.name: described_input(each, package.path.name) for each in described.input}
        self.outputs = tuple(each.name for each in described.output)
        known = set(self.inputs)
        for part in self.parts:
            _require(part.package.path.name, "inputs", set(part.inputs) - known)
            known |= set(part.outputs)
        _require(package.path.name, "outputs", set(self.outputs) - known)

    def predict(self, inputs: Mapping[str, npt.ArrayLike], observe: Observe | None = None) -> dict[str, Output]:
        """Compute every output; see `Model.predict`."""
        if inputs.keys() != self.inputs.keys():
            raise InputError(f"inputs are {', '.join(sorted(inputs))}; wanted are {', '.join(sorted(self.inputs))}")
        values = dict(inputs)
        found: dict[str, Output] = {}
        for part in self.parts:
            try:
                given = part.predict({name: values[name] for name in part.inputs}, observe)
            except InputError as refused:
                raise InputError(f"{part.package.path.name}: {refused}") from refused
            found |= given
            values |= {name: value for name, value in given.items() if isinstance(value, np.ndarray | int | float)}
        with damage_at(self.package.path.name):
            return {name: found[name] for name in self.outputs}


def _require(place: str, what: str, missing: set[str]) -> None:
    if missing:
        raise InputError(f"{place}: nothing before it gives its {what} {', '.join(sorted(missing))}; export it again")
