"""Sums, means, norms and extremes along axes."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import operator, positions

Reduce = Callable[[Tensor, list[int], bool], Tensor]


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


REDUCED: dict[str, Reduce] = {
    "reduce_l1_norm": lambda x, axes, keep: x.abs().sum(axes, keepdim=keep),
    "reduce_l2_norm": lambda x, axes, keep: x.square().sum(axes, keepdim=keep).sqrt(),
    "reduce_log_sum": lambda x, axes, keep: x.sum(axes, keepdim=keep).log(),
    "reduce_log_sum_exp": lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep),
    "reduce_max": lambda x, axes, keep: x.amax(axes, keepdim=keep),
    "reduce_mean": lambda x, axes, keep: x.to(_mean_type(x)).mean(axes, keepdim=keep),
    "reduce_min": lambda x, axes, keep: x.amin(axes, keepdim=keep),
    "reduce_prod": _product,
    "reduce_sum": lambda x, axes, keep: x.sum(axes, keepdim=keep),
    "reduce_sum_square": lambda x, axes, keep: x.square().sum(axes, keepdim=keep),
}


def _mean_type(x: Tensor) -> torch.dtype:
    return x.dtype if x.is_floating_point() else torch.float64


def _reduce(reduce: Reduce) -> Callable[..., Tensor]:
    """Reduce over the given axes, or over all; integers stay integers, without a fraction."""

    def compute(x: Tensor, *, axes: Sequence[int] = (), keep_dims: bool = False) -> Tensor:
        if not x.dim():
            return reduce(x.reshape(1), [0], False).to(x.dtype)
        return reduce(x, list(axes) or list(range(x.dim())), keep_dims).to(x.dtype)

    return compute


for _name, _function in REDUCED.items():
    operator(_name)(_reduce(_function))


@operator("reduce_argmax", result=positions)
def reduce_argmax(x: Tensor, *, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:
    """Where the greatest entry stands along an axis, the first of equals."""
    del output_dtype  # uint16 is held as int32 is
    return torch.argmax(x, axis, keepdim=keep_dims).to(torch.int32)


@operator("reduce_argmin", result=positions)
def reduce_argmin(x: Tensor, *, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:
    """Where the least entry stands along an axis, the first of equals."""
    del output_dtype
    return torch.argmin(x, axis, keepdim=keep_dims).to(torch.int32)


@operator("cumsum")
def cumsum(x: Tensor, *, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Tensor:
    """Running sums; `exclusive`: of what stands before an entry, `reverse`: from the end."""
    turned = x.flip(axis) if reverse else x
    sums = torch.cumsum(turned, axis).to(x.dtype)
    if exclusive:
        sums = torch.cat([torch.zeros_like(sums.narrow(axis, 0, 1)), sums.narrow(axis, 0, x.shape[axis] - 1)], axis)
    return sums.flip(axis) if reverse else sums
