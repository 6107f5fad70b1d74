"""Mixed precision: the linears that cost most stay float, as few of them as the floor lets be."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from transformers import PreTrainedModel

from potstill.encoder.quantization import Scales
from potstill.encoder.quantized_linears import freeze
from potstill.errors import InputError
from potstill.progress import tell
from potstill.qat.sensitivity import ranked
from potstill.training.floor import Floor, Judgement


@dataclass(frozen=True)
class Mixed:
    """A model that keeps the floor.

    Attributes:
        scales: of everything that computes in int8.
        float_linears: names of the linears that stay float, the worst first.
        judgement: what it loses against the float model.
    """

    scales: Mapping[str, Scales]
    float_linears: tuple[str, ...]
    judgement: Judgement


def keep_worst_float(
    model: PreTrainedModel, scales: Mapping[str, Scales], costs: Mapping[str, float], floor: Floor
) -> Mixed:
    """Keep in float the fewest of the worst linears with which no more is lost than may be.

    1, 2, 4, … are tried until the floor holds, and numbers between the last two by bisection. Mostly a few linears
    stand for nearly all that is lost, and what is lost need not fall with every further one: so the search begins with
    few. It judges 2 ⌈log2(those that stay float)⌉ + 2 models at most, and what is returned is one of them.

    Args:
        model: plain float modules with the final weights; it stays as it is.
        scales: of its linears and embeddings.
        costs: of each linear with scales, from `measure_costs`.
        floor: what the float model answers, and what may be lost against it.

    Raises:
        InputError: too much is lost even with every linear in float.
    """
    order = [each.linear for each in ranked(costs)]
    judged = cache(lambda count: _judged(model, scales, tuple(order[:count]), floor))
    if judged(0).judgement.above_floor:
        return judged(0)
    short, enough = 0, min(1, len(order))
    while not judged(enough).judgement.above_floor:
        if enough == len(order):
            raise _missed(judged(enough).judgement, floor)
        short, enough = enough, min(2 * enough, len(order))
    while enough - short > 1:
        count = (short + enough) // 2
        short, enough = (short, count) if judged(count).judgement.above_floor else (count, enough)
    return judged(enough)


def _judged(
    model: PreTrainedModel, scales: Mapping[str, Scales], float_linears: tuple[str, ...], floor: Floor
) -> Mixed:
    """Judge the model with some linears in float."""
    some = {name: each for name, each in scales.items() if name not in float_linears}
    judgement = floor.judge(freeze(copy.deepcopy(model), some))
    tell(
        f"{len(float_linears)} linears float: {judgement.lost:.2f} points lost, at most {judgement.lost_at_most:.2f} "
        f"({floor.points:g} may be)"
    )
    return Mixed(some, float_linears, judgement)


def _missed(judgement: Judgement, floor: Floor) -> InputError:
    return InputError(
        f"even with every linear in float {judgement.lost:.2f} points of accuracy are lost, at most "
        f"{judgement.lost_at_most:.2f}, and {floor.points:g} may be: its int8 embeddings cost that, or its training "
        f"did; pass --max-accuracy-drop {math.ceil(10 * judgement.lost_at_most) / 10:g} or more, or tokenize with a "
        "greater --validation-share, which brings the bound nearer"
    )
