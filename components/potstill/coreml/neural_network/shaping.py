"""Layers that change the shape, reorder axes, join, cut and select."""

from typing import Any

import torch
from torch import Tensor

from potstill.coreml.neural_network.stored import read_weight
from potstill.coreml.neural_network.table import Compute, layer, plain

CHANNEL_LAST = 1

plain(
    {
        "reshapeLike": lambda x, other: x.reshape(other.shape),
        "broadcastToLike": lambda x, other: x.expand(other.shape),
    }
)


@layer("reshapeStatic")
def reshape_static(given: Any) -> Compute:
    """Give the entries another shape; −1 stands for what is left."""
    return lambda x: x.reshape(tuple(given.targetShape))


@layer("rankPreservingReshape")
def rank_preserving_reshape(given: Any) -> Compute:
    """The same, where 0 keeps the length of an axis."""
    return lambda x: x.reshape([wanted or x.shape[axis] for axis, wanted in enumerate(given.targetShape)])


@layer("reshape")
def reshape(given: Any) -> Compute:
    """Give five axes (sequence, batch, channel, height, width) new lengths of all but the batch."""
    target = tuple(given.targetShape)

    def compute(x: Tensor) -> Tensor:
        sequence, wide = (x.shape[0], target) if len(target) == 3 else (target[0], target[1:])
        if given.mode != CHANNEL_LAST:
            return x.reshape(sequence, 1, *wide)
        channels, height, width = wide
        return x.movedim(-3, -1).reshape(sequence, 1, height, width, channels).movedim(-1, -3)

    return compute


@layer("flatten")
def flatten(given: Any) -> Compute:
    """Make one axis of the last three, followed by two of one entry each."""
    last = given.mode == CHANNEL_LAST
    return lambda x: (x.movedim(-3, -1) if last else x).flatten(-3)[..., None, None]


@layer("flattenTo2D")
def flatten_to_2d(given: Any) -> Compute:
    """Make one axis of those before `axis`, and one of the others."""

    def compute(x: Tensor) -> Tensor:
        before = x.shape[: given.axis % x.dim() if given.axis < 0 else given.axis]
        return x.reshape(before.numel(), -1)

    return compute


@layer("permute")
def permute(given: Any) -> Compute:
    """Reorder sequence, channel, height and width; the batch stays the second axis."""
    order = [axis if axis == 0 else axis + 1 for axis in given.axis or (0, 1, 2, 3)]
    return lambda x: x.permute(order[0], 1, *order[1:])


@layer("transpose")
def transpose(given: Any) -> Compute:
    """Reorder axes."""
    return lambda x: x.permute(tuple(given.axes))


@layer("squeeze")
def squeeze(given: Any) -> Compute:
    """Drop axes of one entry."""
    return lambda x: x.squeeze() if given.squeezeAll else x.squeeze(tuple(given.axes))


@layer("expandDims")
def expand_dims(given: Any) -> Compute:
    """Add axes of one entry; places are those in the result."""

    def compute(x: Tensor) -> Tensor:
        rank = x.dim() + len(given.axes)
        for axis in sorted(axis % rank for axis in given.axes):
            x = x.unsqueeze(axis)
        return x

    return compute


@layer("concat")
def concat(given: Any) -> Compute:
    """Join along the channels, or along the sequence."""
    return lambda *tensors: torch.cat(tensors, -5 if given.sequenceConcat else -3)


@layer("concatND")
def concat_nd(given: Any) -> Compute:
    """Join along any axis; interleaved, the first entry of each comes before the second of any."""

    def compute(*tensors: Tensor) -> Tensor:
        if not given.interleave:
            return torch.cat(tensors, given.axis)
        axis = given.axis % tensors[0].dim()
        return torch.stack(tensors, axis + 1).flatten(axis, axis + 1)

    return compute


@layer("stack")
def stack(given: Any) -> Compute:
    """Join along a new axis."""
    return lambda *tensors: torch.stack(tensors, given.axis)


@layer("split")
def split(given: Any) -> Compute:
    """Cut the channels into equal parts."""
    return lambda x: x.split(x.shape[-3] // given.nOutputs, -3)


@layer("splitND")
def split_nd(given: Any) -> Compute:
    """Cut an axis into parts of given lengths, or into equal ones."""
    return lambda x: x.split(list(given.splitSizes) or x.shape[given.axis] // given.numSplits, given.axis)


@layer("slice")
def slice_axis(given: Any) -> Compute:
    """Take a part of the channels, the height or the width."""
    axis = given.axis - 3

    def compute(x: Tensor) -> Tensor:
        places = range(x.shape[axis])[given.startIndex : given.endIndex or None : given.stride or 1]
        return x.index_select(axis, torch.tensor(places))

    return compute


@layer("sliceStatic")
def slice_static(given: Any) -> Compute:
    """Take a part along every axis; where a mask is set, all from the begin or to the end."""

    def compute(x: Tensor) -> Tensor:
        for axis, step in enumerate(given.strides):
            begin = None if given.beginMasks[axis] else given.beginIds[axis]
            end = None if given.endMasks[axis] else given.endIds[axis]
            x = x.index_select(axis, torch.tensor(range(x.shape[axis])[begin:end:step]))
        return x.squeeze([axis for axis, gone in enumerate(given.squeezeMasks) if gone])

    return compute


@layer("gather")
def gather(given: Any) -> Compute:
    """Take entries along an axis, at the places that the second tensor names."""

    def compute(x: Tensor, places: Tensor) -> Tensor:
        axis, length = given.axis % x.dim(), x.shape[given.axis]
        wanted = places.round().long().reshape(-1)
        chosen = x.index_select(axis, torch.where(wanted < 0, wanted + length, wanted))
        return chosen.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])

    return compute


@layer("tile")
def tile(given: Any) -> Compute:
    """Repeat along each axis."""
    return lambda x: x.tile(tuple(given.reps))


@layer("broadcastToStatic")
def broadcast_to_static(given: Any) -> Compute:
    """Repeat axes of one entry up to a shape."""
    return lambda x: x.expand(tuple(given.targetShape))


@layer("fillStatic")
def fill_static(given: Any) -> Compute:
    """A tensor of one value."""
    return lambda: torch.full(tuple(given.targetShape), given.value)


@layer("loadConstant")
def load_constant(given: Any) -> Compute:
    """A stored tensor of (channels, height, width), as five axes."""
    value = read_weight(given.data, (1, 1, *given.shape))
    return lambda: value


@layer("loadConstantND")
def load_constant_nd(given: Any) -> Compute:
    """A stored tensor of any rank."""
    value = read_weight(given.data, tuple(given.shape))
    return lambda: value
