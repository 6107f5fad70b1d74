"""The end of a classifier: a label and the probability of each."""

from collections.abc import Sequence

from torch import Tensor

from potstill.coreml.mlprogram.table import like, operator


@operator("classify", result=like("probabilities"), exact=True)
def classify(probabilities: Tensor, *, classes: Sequence[str | int]) -> tuple[str | int, dict[str | int, float]]:
    """Return the most probable label, a text or a number (the first of equals), and every label's probability."""
    values = probabilities.reshape(-1).tolist()
    return classes[values.index(max(values))], dict(zip(classes, values, strict=True))
