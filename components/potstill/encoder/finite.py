"""Weights that are no numbers: no export of them can be right, and the libraries tell it in other words."""

from pathlib import Path

import torch
from torch import nn

from potstill.errors import InputError


def refuse_not_finite(model: nn.Module, checkpoint: Path) -> None:
    """Refuse a model whose weights are not all numbers; of them the exports' own errors would tell something else.

    Raises:
        InputError: naming the weights.
    """
    broken = [name for name, value in model.state_dict().items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise InputError(
            f"{checkpoint}: {len(broken)} weights are NaN or infinite ({', '.join(broken[:3])}); train the model anew"
        )
