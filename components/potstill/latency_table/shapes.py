"""Which shapes are measured: equal layers of a few sizes for the table, and mixed ones to check it."""

from dataclasses import replace

import numpy as np

from potstill.prune.shape import Shape

DEEPEST = 4  # layers of a measured model: enough to tell a layer from the rest, few enough to export quickly
CHECKS = 3
MULTIPLE = 8  # of FFN neurons: what matrix kernels like, and what pruning rounds to
FEWEST = 16  # the least FFN measured is this part of the largest
SPARE = 64  # word pieces more than positions; onnxruntime tells the two tables apart by their sizes


def measured_shapes(own: Shape, sizes: int) -> list[Shape]:
    """List the shapes that the table is made from.

    All but one of layers, heads and neurons stay at their largest. MobileBERT's heads are never cut, so they do not
    vary.

    Args:
        own: the checkpoint's shape; uneven layers count with their largest.
        sizes: how many numbers of heads, and of neurons.

    Returns: about 2 · `sizes` + 1 different shapes.
    """
    deep, heads, neurons = max(2, min(own.layers, DEEPEST)), max(own.heads), max(own.neurons)
    wanted = [(deep, each, neurons) for each in head_sizes(own, sizes)]
    wanted += [(deep, heads, each) for each in neuron_sizes(own, sizes)]
    wanted += [(each, heads, neurons) for each in (deep // 2, 1)]
    return [even(own, *each) for each in dict.fromkeys(wanted)]


def check_shapes(own: Shape, sizes: int) -> list[Shape]:
    """List the shapes that the table is tried on: the checkpoint's own, and mixed ones of random sizes.

    Args:
        own: the checkpoint's shape.
        sizes: as for `measured_shapes`; none of those is tried again.

    Returns: CHECKS shapes, always the same ones.
    """
    random = np.random.default_rng(0)
    deep = max(2, min(own.layers, DEEPEST))
    depths = [deep, max(1, deep - 1), deep]
    whole = _small(own)
    known = measured_shapes(own, sizes)
    return [*([] if whole in known else [whole]), *(mixed(own, depth, random) for depth in depths)][:CHECKS]


def even(own: Shape, layers: int, heads: int, neurons: int) -> Shape:
    """Return a shape of equal layers."""
    networks = len(own.neurons) // own.layers
    return replace(_small(own), layers=layers, heads=(heads,) * layers, neurons=(neurons,) * (layers * networks))


def mixed(own: Shape, layers: int, random: np.random.Generator) -> Shape:
    """Return a shape whose layers differ, each size drawn from the range that was measured."""
    networks, least, most = len(own.neurons) // own.layers, _least(own), max(own.neurons)
    drawn = random.integers(least, most + 1, layers * networks) // MULTIPLE * MULTIPLE
    heads = random.integers(1, max(own.heads) + 1, layers) if _has_heads(own) else [max(own.heads)] * layers
    neurons = tuple(int(each) for each in np.clip(drawn, least, most))
    return replace(_small(own), layers=layers, heads=tuple(int(each) for each in heads), neurons=neurons)


def head_sizes(own: Shape, count: int) -> list[int]:
    """Return numbers of heads from 1 to the largest, evenly spaced, ascending."""
    return _spaced(1, max(own.heads), count, 1) if _has_heads(own) else [max(own.heads)]


def neuron_sizes(own: Shape, count: int) -> list[int]:
    """Return numbers of FFN neurons up to the largest, evenly spaced, ascending."""
    return _spaced(_least(own), max(own.neurons), count, MULTIPLE)


def _spaced(least: int, most: int, count: int, multiple: int) -> list[int]:
    between = np.linspace(least, most, count)[1:-1]
    rounded = (np.rint(between / multiple) * multiple).astype(int)
    return sorted({least, most, *(int(each) for each in np.clip(rounded, least, most))})


def _least(own: Shape) -> int:
    most = max(own.neurons)
    return min(most, max(MULTIPLE, most // FEWEST // MULTIPLE * MULTIPLE))


def _has_heads(own: Shape) -> bool:
    return own.family == "bert"


def _small(own: Shape) -> Shape:
    """The shape with a short vocabulary: one row reads few word pieces, whatever their number."""
    return replace(own, vocabulary=own.positions + SPARE)
