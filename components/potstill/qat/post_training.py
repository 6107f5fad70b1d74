"""Scales without training: from the weights alone, or from ranges that calibration found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.data.tokens import TokenTable
from potstill.encoder.int8_weights import has_few_rows, int8_weights, weighted_modules
from potstill.encoder.quantization import Scales, input_scale, smoothed, weight_scale
from potstill.qat.calibration import calibrate
from potstill.qat.config import DYNAMIC, QatConfig
from potstill.qat.ranges import collect
from potstill.qat.smoothing import smoothing_factors


@dataclass(frozen=True)
class Calibrated:
    """What rows told of the inputs of linears; empty where they are quantised as they come.

    Attributes:
        ranges: least and greatest value that an input's 256 steps reach, by the linear's name.
        smoothing: (in,) what its input is divided by, where it is smoothed.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    smoothing: Mapping[str, Tensor] = field(default_factory=dict)


def calibrated(model: PreTrainedModel, table: TokenTable, config: QatConfig) -> Calibrated:
    """Find the ranges of every linear's input, as a float model computes them.

    Args:
        model: the float classifier.
        table: rows to learn from; the first of them are looked at.
        config: says how.
    """
    if config.method == DYNAMIC:
        return Calibrated()
    some = table.take(np.arange(min(config.calibration_rows, len(table))))
    seen = collect(model, some)
    smoothing: Mapping[str, Tensor] = {}
    if config.smoothing:
        smoothing = smoothing_factors(model, seen, config.smoothing)
        seen = collect(model, some, smoothing)
    ranges = {name: calibrate(config.calibration, each, config.percentile) for name, each in seen.items()}
    return Calibrated(ranges, smoothing)


def post_training_scales(model: PreTrainedModel, start: Calibrated) -> dict[str, Scales]:
    """Return the scales of linears and embeddings: of weights from their extremes, of inputs from their ranges.

    Tables of few rows get none and stay float. So does, where ranges were found, a linear without one, which no row
    went through.
    """
    if not start.ranges:
        return int8_weights(model, {})
    return {
        name: _scales(module, start.ranges.get(name), start.smoothing.get(name))
        for name, module in weighted_modules(model).items()
        if name in start.ranges or (isinstance(module, nn.Embedding) and not has_few_rows(module))
    }


def _scales(module: nn.Module, limits: tuple[float, float] | None, smoothing: Tensor | None) -> Scales:
    weight = weight_scale(smoothed(module.get_parameter("weight").detach(), smoothing))
    scale, zero = input_scale(*limits) if limits else (None, None)
    return Scales(weight, scale, zero, smoothing)
