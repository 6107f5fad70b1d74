"""Colours for many numbers: Lloyd's algorithm in one dimension, which needs no library.

Over sorted values and their sums a step takes one search. It begins with colours as dense as the cube root of the
values' density, which is best for many of them. Then the two colours that are missed least become one, and the one that
errs most two, as long as that helps: so it comes as near as a library's k-means, in a hundredth of its time.

Source: Lloyd, Least squares quantization in PCM, 1982; Panter and Dite, Quantization distortion, 1951.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

STEPS = 300  # of Lloyd's algorithm at most; it ends when no colour moves
EXCHANGES = 50  # of colours at most
WORTH = 1e-4  # share of the error that an exchange must take away
BINS = 256  # of the histogram that says how dense the values are

Floats = npt.NDArray[np.float64]


def colours_of(values: Floats, count: int) -> Floats:
    """Return `count` colours (some may be equal) with a small sum of squared distances to the values: (n,) → (count,).

    The result depends on nothing but the values.
    """
    distinct, times = np.unique(values, return_counts=True)
    if len(distinct) <= count:
        return np.pad(distinct, (0, count - len(distinct)), mode="edge")
    colours = _lloyd(_dense_where_values_are(distinct, times, count), distinct, times)
    for _ in range(EXCHANGES):
        other = _lloyd(_exchanged(colours, distinct, times), distinct, times)
        if _errors(other, distinct, times).sum() >= (1 - WORTH) * _errors(colours, distinct, times).sum():
            break
        colours = other
    return colours


def _dense_where_values_are(values: Floats, times: npt.NDArray[np.int64], count: int) -> Floats:
    held, edges = np.histogram(values, BINS, weights=times)
    shares = np.concatenate([[0.0], np.cumsum(np.cbrt(held))])
    found: Floats = np.interp((np.arange(count) + 0.5) / count * shares[-1], shares, edges)
    return found


def _lloyd(colours: Floats, values: Floats, times: npt.NDArray[np.int64]) -> Floats:
    counts = np.concatenate([[0.0], np.cumsum(times, dtype=np.float64)])
    sums = np.concatenate([[0.0], np.cumsum(values * times)])
    for _ in range(STEPS):
        edges = np.concatenate([[0], np.searchsorted(values, (colours[1:] + colours[:-1]) / 2), [len(values)]])
        held = np.diff(counts[edges])
        moved = np.where(held > 0, np.diff(sums[edges]) / np.maximum(held, 1), colours)
        if np.array_equal(moved, colours):
            break
        colours = moved
    return colours


def _exchanged(colours: Floats, values: Floats, times: npt.NDArray[np.int64]) -> Floats:
    """Make one of the two neighbours that are missed least, and two of the colour that errs most."""
    errors = _errors(colours, values, times)
    held = np.bincount(nearest(values, colours), times, len(colours))
    worst = int(errors.argmax())
    both = np.maximum(held[1:] + held[:-1], 1)
    missed = held[1:] * held[:-1] / both * np.diff(colours) ** 2
    missed[[each for each in (worst - 1, worst) if 0 <= each < len(missed)]] = np.inf
    gone = int(missed.argmin())
    merged = (colours[gone] * held[gone] + colours[gone + 1] * held[gone + 1]) / both[gone]
    apart = np.sqrt(errors[worst] / max(held[worst], 1))
    new = [merged, colours[worst] - apart, colours[worst] + apart]
    return np.sort(np.concatenate([np.delete(colours, [gone, gone + 1, worst]), new]))


def _errors(colours: Floats, values: Floats, times: npt.NDArray[np.int64]) -> Floats:
    """Return the sum of squared distances of the values that each colour stands for."""
    indices = nearest(values, colours)
    return np.bincount(indices, times * (values - colours[indices]) ** 2, len(colours)).astype(np.float64)


def nearest(values: Floats, colours: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return the index of each value's nearest colour: (n,) and rising (count,) → (n,), with at most 256 colours."""
    middles = (colours[1:].astype(np.float64) + colours[:-1]) / 2
    return np.searchsorted(middles, values).astype(np.uint8)
