"""What a model answered, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import numpy as np

from potstill.coreml.model import Output
from potstill.errors import InputError
from potstill.one_line import one_line

SHOWN = 5  # labels of a line, the likeliest first
NUMBERS = 8  # of an array, in a line


@dataclass(frozen=True)
class Prediction:
    """What a model gave.

    Attributes:
        text: what was asked; empty where the inputs were given as they are.
        outputs: by name.
        label: name of the output that is the label; empty for a model that is no classifier.
        probabilities: name of the output with each label's probability; may be empty, too.
    """

    text: str
    outputs: Mapping[str, Output]
    label: str
    probabilities: str


def in_words(prediction: Prediction) -> str:
    """One line: the label with its probability, those that follow it, and the text; of no classifier every output."""
    shares = prediction.outputs.get(prediction.probabilities)
    if prediction.label not in prediction.outputs:
        said = "  ".join(f"{name} {_numbers(value)}" for name, value in prediction.outputs.items())
    elif isinstance(shares, Mapping):
        likeliest = sorted(shares.items(), key=lambda each: -each[1])[:SHOWN]
        said = "  ".join(f"{label} {share:.2%}" for label, share in likeliest)
    else:
        said = str(prediction.outputs[prediction.label])
    return one_line(f"{said}  |  {prediction.text}" if prediction.text else said)


def require_numbers(prediction: Prediction, package: Path) -> None:
    """Check that a classifier's label is the likeliest: among NaN, none is.

    Raises:
        InputError: a probability is NaN.
    """
    shares = prediction.outputs.get(prediction.probabilities)
    if isinstance(shares, Mapping) and any(map(isnan, shares.values())):
        raise InputError(f"{package}: the probabilities are no numbers, so no label is named; check inputs and weights")


def with_text(prediction: Prediction) -> dict[str, object]:
    """Every output by name, and the text before them."""
    return {**({"text": prediction.text} if prediction.text else {}), **prediction.outputs}


def _numbers(value: Output) -> str:
    if not isinstance(value, np.ndarray):
        return str(value)
    flat = value.reshape(-1)
    more = f" … {flat.size} numbers" if flat.size > NUMBERS else ""
    return " ".join(f"{each:.6g}" for each in flat[:NUMBERS].tolist()) + more
