"""What stays after a round: as much as the schedule says, or as much as the targets allow."""

from bisect import bisect_left
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.prune.config import PruneConfig
from potstill.prune.selection import cubic, select
from potstill.prune.shape import Shape, config_of, shape_of
from potstill.prune.surgery import cut, cut_hidden
from potstill.prune.targets import Costs, Meter, Targets

STEPS = 1000  # in which the share of what may be removed is searched


@dataclass(frozen=True)
class Importance:
    """How much each unit of a model matters.

    Attributes:
        heads: per attention, (heads,) float32.
        neurons: per FFN, (neurons,) float32.
        hidden: (hidden,) float32; None where the width stays.
    """

    heads: list[Tensor]
    neurons: list[Tensor]
    hidden: Tensor | None


@dataclass(frozen=True)
class Staying:
    """Sorted indices of the units that stay, in the order of Importance."""

    heads: list[Tensor]
    neurons: list[Tensor]
    hidden: Tensor | None

    def of(self, model: PreTrainedModel) -> PreTrainedModel:
        """Return a model of these units alone."""
        smaller = cut(model, self.heads, self.neurons)
        return smaller if self.hidden is None else cut_hidden(smaller, self.hidden)

    def shape(self, before: Shape) -> Shape:
        """Return the shape of that model."""
        hidden = before.hidden if self.hidden is None else len(self.hidden)
        heads, neurons = (tuple(len(each) for each in groups) for groups in (self.heads, self.neurons))
        return replace(before, heads=heads or before.heads, neurons=neurons, hidden=hidden)


class Plan:
    """The way from the start to the targets."""

    def __init__(self, start: PreTrainedModel, config: PruneConfig, meter: Meter) -> None:
        """Plan it.

        Args:
            start: the model before the first round.
            config: the options.
            meter: tells what a model costs.

        Raises:
            OptionError: a target cannot be reached, or no layer would stay.
        """
        self.config, self.meter, self.begun = config, meter, shape_of(start.config)
        self.targets = Targets.of(config, meter.read(start.config))
        self.targets.refuse_unreachable(self._least(start))

    def met(self, model: PreTrainedModel) -> bool:
        """Tell whether there are targets, and the model meets all of them."""
        return bool(self.targets.wanted) and self.targets.met(self.meter.read(model.config))

    def layers_after(self, number: int) -> int:
        """How many layers stay after a round."""
        return self.begun.layers - round(cubic(number, self.config.rounds, self.config.drop_layers))

    def after(self, number: int, model: PreTrainedModel, importance: Importance) -> Staying:
        """Choose what stays after a round.

        With targets, the share of what may be removed is as small as brings the costs as far down as the cubic
        schedule wants them after this round; without, it follows the schedule itself.

        Args:
            number: of the round, from 1.
            model: the model before it, with the layers that it has after it.
            importance: of the model's units.
        """
        share = cubic(number, self.config.rounds, 1.0)
        if not self.targets.wanted:
            return self._staying(share, shape_of(model.config), importance)

        def enough(step: int) -> bool:
            staying = self._staying(step / STEPS, shape_of(model.config), importance)
            return self.targets.met(self._costs(model, staying), share)

        step = bisect_left(range(STEPS), x=True, key=enough)
        return self._staying(step / STEPS, shape_of(model.config), importance)

    def _staying(self, share: float, shape: Shape, importance: Importance) -> Staying:
        """Choose what stays when `share` of all that may be removed is removed."""
        config, begun, left = self.config, self.begun, shape.layers / self.begun.layers
        heads = _left(sum(begun.heads) * left, share * config.head_sparsity, sum(shape.heads))
        neurons = _left(sum(begun.neurons) * left, share * config.ffn_sparsity, sum(shape.neurons))
        hidden = _left(begun.hidden, share * config.hidden_sparsity, shape.hidden)
        return Staying(
            select(importance.heads, heads, uniform=config.uniform),
            select(importance.neurons, neurons, config.multiple, uniform=config.uniform),
            None if importance.hidden is None else select([importance.hidden], hidden, config.multiple)[0],
        )

    def _costs(self, model: PreTrainedModel, staying: Staying) -> Costs:
        return self.meter.read(config_of(model.config, staying.shape(shape_of(model.config))))

    def _least(self, start: PreTrainedModel) -> Costs:
        """Costs when all is removed that may be; which units these are makes little difference."""
        layers, begun = self.layers_after(self.config.rounds), self.begun
        blocks = len(begun.neurons) // begun.layers
        shape = replace(begun, layers=layers, heads=begun.heads[:layers], neurons=begun.neurons[: layers * blocks])
        equal = Importance(
            [torch.ones(each) for each in shape.heads],
            [torch.ones(each) for each in shape.neurons],
            torch.ones(shape.hidden) if self.config.hidden_sparsity else None,
        )
        evenly = Plan._staying(self, 1.0, shape, equal)
        return self.meter.read(config_of(start.config, evenly.shape(shape)))


def _left(begun: float, removed: float, present: int) -> int:
    """Units that stay when a share of those at the start is removed; all that are present where none is."""
    return min(present, round(begun * (1 - removed))) if removed else present
