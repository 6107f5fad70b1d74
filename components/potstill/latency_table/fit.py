"""From whole models' milliseconds to what each part of a layer adds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from potstill.prune.shape import Shape


@dataclass(frozen=True)
class Parts:
    """What one row costs, part by part, in milliseconds.

    Attributes:
        base: everything outside the layers.
        attention: by heads, with all of a layer that does not depend on its sizes.
        ffn: of one feed-forward network, by neurons, beyond the smallest, which has 0.
    """

    base: float
    attention: dict[int, float]
    ffn: dict[int, float]


def fit(shapes: Sequence[Shape], milliseconds: npt.NDArray[np.float64]) -> Parts:
    """Find the parts that add up to what was measured.

    Least squares of the relative errors, with no part below 0. Layers have both attention and FFN, so a constant could
    move from one to the other and change no sum: it is put with the attention.

    Args:
        shapes: of equal layers, such as `measured_shapes` lists.
        milliseconds: (shapes,) above 0.
    """
    heads = sorted({each for shape in shapes for each in shape.heads})
    neurons = sorted({each for shape in shapes for each in shape.neurons})
    counts = np.array(
        [[1, *_count(shape.heads, heads), *_count(shape.neurons, neurons[1:])] for shape in shapes], np.float64
    )
    found, _ = nnls(counts / milliseconds[:, None], np.ones(len(shapes)))
    base, attention, ffn = np.split(found, [1, 1 + len(heads)])
    return Parts(float(base[0]), _by(heads, attention), _by(neurons, np.concatenate([[0.0], ffn])))


def _count(sizes: tuple[int, ...], of: list[int]) -> list[int]:
    return [sizes.count(each) for each in of]


def _by(sizes: list[int], milliseconds: npt.NDArray[np.float64]) -> dict[int, float]:
    """Noise may tell a larger part to be the cheaper one; it then counts as much as the smaller."""
    return dict(zip(sizes, np.maximum.accumulate(milliseconds).tolist(), strict=True))
