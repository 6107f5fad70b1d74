"""Models whose linears and embeddings are twins that train for int8."""

import torch
from torch import nn
from transformers import PreTrainedModel

RANGE = (-1.5, 2.0)  # narrower than what most linears see, so that some of it is clipped


def linears(model: nn.Module) -> dict[str, nn.Linear]:
    """The model's linears by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}


def factors(columns: int) -> torch.Tensor:
    """Some smoothing."""
    return torch.linspace(0.3, 3.0, columns)


def twins_of(model: PreTrainedModel, *, learned: bool, smooth: bool = False) -> PreTrainedModel:
    """Replace all linears and embeddings by their twins."""
    from potstill.qat.fake_quant import prepare

    found = linears(model)
    smoothing = {name: factors(module.in_features) for name, module in found.items()} if smooth else {}
    return prepare(model, dict.fromkeys(found, RANGE), smoothing, learned=learned)
