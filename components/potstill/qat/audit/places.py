"""Which tensors a model computes, in what order, and which of them are one and the same."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.data.batches import pad
from potstill.data.tokens import TokenTable
from potstill.encoder.quantization import Scales
from potstill.measure.torch_session import answer
from potstill.qat.audit.record import Side

PASSING = (nn.Dropout, nn.Identity)  # what comes out is what went in
See = Callable[[str, Side, Tensor], None]


@dataclass
class Watched:
    """A tensor that is looked at once, wherever it goes.

    Attributes:
        name: the module where it is looked at.
        side: what goes into that module, or what comes out of it.
        scales: of the linear that it goes into, where that has any.
        also: the other places of the same tensor, in words.
    """

    name: str
    side: Side
    scales: Scales | None
    also: list[str] = field(default_factory=list)

    @property
    def quantiser(self) -> tuple[float, int] | None:
        """Scale and zero point of its standing range, where it has one."""
        scales = self.scales
        if scales is None or scales.input is None or scales.zero_point is None:
            return None
        return scales.input, scales.zero_point

    @property
    def title(self) -> str:
        """The place in words."""
        return f"{self.side} of {self.name}"


@contextmanager
def watching(model: nn.Module, see: See) -> Iterator[None]:
    """Show `see` what goes into each leaf module and comes out of it, whenever the model computes in the block."""
    leaves = {name: module for name, module in model.named_modules() if not any(module.children())}
    hooks = [
        module.register_forward_hook(partial(_show, name, see))
        for name, module in leaves.items()
        if not isinstance(module, PASSING)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _show(name: str, see: See, _: nn.Module, args: tuple[Any, ...], output: Any) -> None:
    sides: tuple[tuple[Side, Any], ...] = (("input", args[0] if args else None), ("output", output))
    for side, found in sides:
        if isinstance(found, Tensor) and found.is_floating_point():
            see(name, side, found)


def find_tensors(model: PreTrainedModel, scales: Mapping[str, Scales], table: TokenTable) -> list[Watched]:
    """Run the longest row, and see which tensors there are, in the order in which the model computes them.

    Two places have the same tensor where in every call it is the same object. It is looked at once, unless linears
    read it through different quantisers.
    """
    seen: dict[tuple[str, Side], list[Tensor]] = {}  # all of them are kept, so that none gets another's place in memory
    with torch.inference_mode(), watching(model, lambda name, side, x: seen.setdefault((name, side), []).append(x)):
        answer(model, pad(table, np.array([int(table.lengths.argmax())])))
    found: dict[Any, list[Watched]] = {}
    for (name, side), calls in seen.items():
        read = scales.get(name) if side == "input" else None
        smoothing = None if read is None or read.smoothing is None else read.smoothing.cpu().numpy().tobytes()
        alike = found.setdefault((smoothing, *map(id, calls)), [])
        _join(alike, Watched(name, side, read))
    return [each for alike in found.values() for each in alike]


def _join(alike: list[Watched], new: Watched) -> None:
    """Add a place to those of its tensor: to one with its quantiser where there is such, else to one without any."""
    if not new.quantiser and alike:
        alike[0].also.append(new.title)
        return
    for each in alike:
        if each.quantiser == new.quantiser:
            each.also.append(new.title)
            return
        if not each.quantiser:
            each.also.insert(0, each.title)
            each.name, each.side, each.scales = new.name, new.side, new.scales
            return
    alike.append(new)
