"""Which weights become int8, and on which scales: the rule for qat and both exporters.

Every linear does, and every embedding but tables of a few rows. Rounding moves all tokens that look up the same row by
the same amount. Where one row serves every token of every text, as that of a segment does, the error never averages
out, and int8 saves a few kilobytes there at most.
"""

from collections.abc import Mapping

from torch import nn

from potstill.encoder.quantization import Scales, weight_scale

# Embeddings with fewer rows stay float. Token types have 1 or 2, positions and vocabularies far more.
FEW_ROWS = 16

Weighted = nn.Linear | nn.Embedding


def has_few_rows(module: nn.Module) -> bool:
    """Tell whether a module is an embedding of so few rows that it stays float; a linear never is, however narrow."""
    return isinstance(module, nn.Embedding) and module.num_embeddings < FEW_ROWS


def weighted_modules(model: nn.Module) -> dict[str, Weighted]:
    """Return every linear and embedding of a model, by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Weighted)}


def int8_weights(model: nn.Module, scales: Mapping[str, Scales]) -> dict[str, Scales]:
    """Return the checkpoint's own scales where it has any, else those of every linear and of embeddings of many rows.

    What a checkpoint with scales leaves without any was kept float for its accuracy, and stays so. What it has scales
    of is int8: in checkpoints of an older qat, tables of few rows as well.

    Args:
        model: the float classifier.
        scales: as `read_scales` returns them, by module name; empty for a float checkpoint.
    """
    return dict(scales) or {
        name: Scales(weight_scale(module.weight))
        for name, module in weighted_modules(model).items()
        if not has_few_rows(module)
    }


def unsmoothed(model: nn.Module, scales: Mapping[str, Scales]) -> dict[str, Scales]:
    """Return scales of the weights as they stand in the checkpoint, for inputs that are taken as they come.

    Smoothing moves outlier channels out of inputs whose range stands. Where each text has a range of its own there is
    nothing to move, so a smoothed linear gets the scale of its plain weight.
    """
    return {
        name: Scales(each.weight if each.smoothing is None else weight_scale(model.get_parameter(f"{name}.weight")))
        for name, each in scales.items()
    }
