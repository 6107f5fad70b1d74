"""What a model answered, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from potstill.coreml.model import Output

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
    """The label with its probability, those that follow it, and the text; of no classifier every output."""
    shares = prediction.outputs.get(prediction.probabilities)
    if prediction.label not in prediction.outputs:
        said = "  ".join(f"{name} {_numbers(value)}" for name, value in prediction.outputs.items())
    elif isinstance(shares, Mapping):
        likeliest = sorted(shares.items(), key=lambda each: -each[1])[:SHOWN]
        said = "  ".join(f"{label} {share:.2%}" for label, share in likeliest)
    else:
        said = str(prediction.outputs[prediction.label])
    return f"{said}  |  {prediction.text}" if prediction.text else said


def with_text(prediction: Prediction) -> dict[str, object]:
    """Every output by name, and the text before them."""
    return {**({"text": prediction.text} if prediction.text else {}), **prediction.outputs}


def _numbers(value: Output) -> str:
    if not isinstance(value, np.ndarray):
        return str(value)
    flat = value.reshape(-1)
    more = f" … {flat.size} numbers" if flat.size > NUMBERS else ""
    return " ".join(f"{each:.6g}" for each in flat[:NUMBERS].tolist()) + more
