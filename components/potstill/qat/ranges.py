"""What the inputs of a float model's linears are like: their extremes, and a histogram of each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.data.batches import of_equal_length, pad
from potstill.data.tokens import TokenTable
from potstill.errors import InputError
from potstill.measure.torch_session import answer
from potstill.progress import progress
from potstill.qat.histogram import Extremes, Histogram

BATCH = 64  # rows
UNSMOOTHED: Mapping[str, Tensor] = MappingProxyType({})

See = Callable[[str, Tensor], None]


@dataclass(frozen=True)
class InputStatistics:
    """What one linear's input was like, over all rows, tokens and channels.

    Attributes:
        low: least value, or 0 where that is above 0: every range of a quantiser holds 0.
        high: greatest value, or 0 where that is below 0.
        counts: (BINS,) int64, how many values are in each of BINS equal parts of [low, high]; all in the first where
            every value is 0.
        zeros: how many of the values are exactly 0.
        channels: (in,) float32 on the CPU, greatest magnitude of each channel.
    """

    low: float
    high: float
    counts: npt.NDArray[np.int64]
    zeros: int
    channels: Tensor


def linears(model: nn.Module) -> dict[str, nn.Linear]:
    """The model's linears by name; one that stands in several places (ALBERT's) once."""
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}


def collect(
    model: PreTrainedModel, table: TokenTable, smoothing: Mapping[str, Tensor] = UNSMOOTHED
) -> dict[str, InputStatistics]:
    """Look at the inputs of all linears while the model answers the rows; twice, for bins need to know the extremes.

    No padding is among them: rows of one length are computed together. Several processes each compute all rows.

    Args:
        model: a float classifier; it computes where its parameters lie, and is left in evaluation mode.
        table: the rows.
        smoothing: by linear, (in,) what its input is divided by before it is looked at; others are looked at as is.

    Returns: by linear. One that no row goes through, as MobileBERT's bottlenecks have them, is not there, and so gets
        no scales: it stays float.

    Raises:
        InputError: an input is NaN or infinite; it names all such linears.
    """
    extremes: dict[str, Extremes] = {}
    _run(model, table, smoothing, partial(_widen, extremes), "ranges")
    _refuse_no_numbers(extremes)
    histograms = {name: Histogram(*each.range) for name, each in extremes.items()}
    _run(model, table, smoothing, lambda name, hidden: histograms[name].add(hidden), "histograms")
    return {
        name: InputStatistics(each.low, each.high, each.counts, each.zeros, extremes[name].magnitudes)
        for name, each in histograms.items()
    }


def _widen(extremes: dict[str, Extremes], name: str, hidden: Tensor) -> None:
    low, high = torch.aminmax(hidden.flatten(0, -2), dim=0)
    before = extremes.setdefault(name, Extremes(low, high))
    extremes[name] = Extremes(torch.minimum(before.low, low), torch.maximum(before.high, high))


def _refuse_no_numbers(extremes: Mapping[str, Extremes]) -> None:
    offenders = [name for name, each in extremes.items() if not each.finite()]
    if offenders:
        raise InputError(
            f"NaN or infinite on the calibration rows: the input of {', '.join(offenders)}; "
            "pass a model whose float answers are finite"
        )


def _run(model: PreTrainedModel, table: TokenTable, smoothing: Mapping[str, Tensor], see: See, what: str) -> None:
    model.eval()
    with torch.inference_mode(), watched(model, smoothing, see):
        for rows in progress(list(of_equal_length(table, BATCH)), what, unit="batch"):
            answer(model, pad(table, rows))


@contextmanager
def watched(model: nn.Module, smoothing: Mapping[str, Tensor], see: See) -> Iterator[None]:
    """Show the input of every linear to `see`, by the linear's name, whenever the model computes in the block.

    Args:
        model: with plain linears.
        smoothing: by linear, (in,) what its input is divided by.
        see: gets (…, in) float32, once for each time that the linear is called.
    """
    hooks = [
        module.register_forward_pre_hook(partial(_show, name, smoothing.get(name), see))
        for name, module in linears(model).items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _show(name: str, smoothing: Tensor | None, see: See, _module: nn.Module, args: tuple[Any, ...]) -> None:
    hidden = args[0].detach().float()
    # Times the inverse, as the smoothed linear computes: a division may round to the other neighbour.
    see(name, hidden if smoothing is None else hidden * (1 / smoothing.to(hidden.device)))
