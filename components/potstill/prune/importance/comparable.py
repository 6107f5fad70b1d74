"""Importance of one layer's units made comparable with another's."""

from collections.abc import Sequence

import torch
from torch import Tensor

from potstill.errors import InputError

Importance = tuple[list[Tensor], list[Tensor]]
"""Of heads, one (heads,) float32 per attention; of neurons, one (neurons,) float32 per feed-forward network."""


def unit(importance: Tensor) -> Tensor:
    """Divide a group's importance by its L2 norm, so that groups of unlike scale can be compared.

    Gradients and weights differ in size from layer to layer, for reasons that have nothing to do with which unit
    matters. Signs stay. Of n units that matter alike each gets 1/√n: in a smaller group a unit counts more.

    Args:
        importance: (units,) float32.

    Returns: (units,) float32 of L2 norm 1; zeros stay zeros.

    Source: arXiv:1611.06440, section 2.2, for Taylor; arXiv:1905.10650, section 4, does so with heads.
    """
    divided: Tensor = importance / importance.norm().clamp_min(1e-12)
    return divided


def refuse_no_numbers(name: str, importance: Sequence[Tensor]) -> None:
    """Refuse an importance by which nothing can be chosen: a NaN is neither more nor less than anything.

    Args:
        name: of the measure.
        importance: of any groups.

    Raises:
        InputError: some of it is NaN or infinite.
    """
    wrong = [number for number, each in enumerate(importance) if not bool(torch.isfinite(each).all())]
    if wrong:
        raise InputError(
            f"the importance {name!r} is no number in {len(wrong)} of {len(importance)} groups; "
            "the model's weights or its loss on these rows are not finite: look at what trained it"
        )
