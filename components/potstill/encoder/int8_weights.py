"""Which weights an export with int8 weights holds as int8, and on which scales."""

from collections.abc import Mapping

from torch import nn

from potstill.encoder.quantization import Scales, weight_scale


def int8_weights(model: nn.Module, scales: Mapping[str, Scales]) -> dict[str, Scales]:
    """Return the checkpoint's own scales where it has any, else those of every linear and embedding.

    A linear that a checkpoint with scales leaves without any was kept float for its accuracy, and stays so.

    Args:
        model: the float classifier.
        scales: as `read_scales` returns them, by module name; empty for a float checkpoint.
    """
    return dict(scales) or {
        name: Scales(weight_scale(module.weight))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Embedding)
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
