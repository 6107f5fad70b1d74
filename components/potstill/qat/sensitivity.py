"""What each linear costs in int8: how much further the answers go from the float model's when it alone is int8."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.data.tokens import TokenTable
from potstill.encoder.quantization import Scales
from potstill.encoder.quantized_linears import freeze, quantized_linear
from potstill.measure.torch_session import predict_torch
from potstill.progress import progress
from potstill.qat.beside import STRICT, read_record, write_record
from potstill.training.floor import Judgement
from potstill.training.losses import soft_labels

SENSITIVITY = "sensitivity.json"


@dataclass(frozen=True)
class Cost:
    """What one linear costs.

    Attributes:
        linear: its name.
        cost: by how much the soft-label loss rises when it alone is int8; below 0 where it falls.
    """

    __pydantic_config__ = STRICT
    linear: str
    cost: float


@dataclass(frozen=True)
class Sensitivity:
    """What was measured to keep the floor, and what came of it.

    Attributes:
        rows: validation rows that the costs were measured on.
        costs: of every linear that has scales, the worst first.
        float_linears: those that stayed float for the floor, the worst first.
        max_accuracy_drop: the floor: points of accuracy that may be lost, bound included.
        confidence: of the one-sided bound, in (0.5, 1).
        judgement: what the model with those linears in float loses, on all validation rows.
    """

    __pydantic_config__ = STRICT
    rows: int
    costs: tuple[Cost, ...]
    float_linears: tuple[str, ...]
    max_accuracy_drop: float
    confidence: float
    judgement: Judgement


def measure_costs(
    model: PreTrainedModel, scales: Mapping[str, Scales], table: TokenTable, answers: Tensor, temperature: float
) -> dict[str, float]:
    """Measure of each linear with scales what it does to the answers alone, all other linears being float the while.

    The other way about, one float among int8 ones, tells nothing where several ruin the model: none of them alone mends
    it. Linears inside a module that is used again and again (ALBERT's layer) are int8 in all of its uses.

    Args:
        model: plain float modules with the final weights; it stays as it is.
        scales: of its linears and embeddings.
        table: the rows to measure on.
        answers: (rows, labels) the float model's logits of them.
        temperature: T > 0 of the soft-label loss.

    Returns: by the linear's name, the worst first, by how much the soft-label loss rises when that linear is int8.
    """
    linears = {name: each for name in scales if isinstance(each := model.get_submodule(name), nn.Linear)}
    # Embeddings are int8 in any case, and so in all of these models.
    judged = freeze(copy.deepcopy(model), {name: each for name, each in scales.items() if name not in linears})

    def loss() -> float:
        return float(soft_labels(torch.from_numpy(predict_torch(judged, table, what="")), answers, temperature))

    float_loss, costs = loss(), {}
    for name, linear in progress(list(linears.items()), "sensitivity", unit="linear"):
        judged.set_submodule(name, quantized_linear(linear, scales[name]))
        costs[name] = loss() - float_loss
        judged.set_submodule(name, linear)
    return {each.linear: each.cost for each in ranked(costs)}


def ranked(costs: Mapping[str, float]) -> tuple[Cost, ...]:
    """Lay costs out the worst first; equal ones stay in their order."""
    return tuple(Cost(name, cost) for name, cost in sorted(costs.items(), key=lambda each: -each[1]))


def write_sensitivity(folder: Path, found: Sensitivity) -> None:
    """Write `sensitivity.json`; the same figures give the same bytes."""
    write_record(folder / SENSITIVITY, found)


def read_sensitivity(folder: Path) -> Sensitivity | None:
    """Read the costs that a checkpoint's folder carries; None where it carries none.

    Raises:
        ArtifactError: there is a `sensitivity.json` that is none.
    """
    return read_record(folder / SENSITIVITY, Sensitivity, "what linears cost in int8")
