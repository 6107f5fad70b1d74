"""The curve of a pruning: how small, how fast and how accurate the model was after each round, and which was chosen."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter

from potstill.errors import ArtifactError

CURVE, DRAWING, ROUNDS = "curve.json", "curve.svg", "rounds"
Stopped = Literal["target", "schedule", "floor", "stop_after", "sparsities"]
ENDS: dict[Stopped, str] = {
    "target": "its target",
    "schedule": "the end of its schedule",
    "floor": "the floor",
    "stop_after": "the round that it was told to stop after",
    "sparsities": "what may be removed at most, short of its target",
}
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Point:
    """The model at one point of the way.

    Attributes:
        round: None for the unpruned start, 0 for the trimmed model, then 1, 2, …
        name: "start", "trimmed", "round 1", …
        layers: how many.
        hidden: width of the residual stream.
        heads: of each attention.
        neurons: of each FFN block.
        vocabulary: word pieces.
        positions: rows of the position table.
        parameters: how many.
        bytes: of the weights in fp32.
        flops: of one row of `Curve.max_length` tokens; a multiply and an add are two.
        latency_ms: of one row, by the table of measured sizes; None where there is no table.
        accuracy: on the validation rows, in [0, 1].
        lost: points of accuracy lost against the start.
        lost_at_most: the one-sided upper bound of `lost`, in points; 0 for the start.
        above_floor: whether the bound is within what may be lost.
    """

    __pydantic_config__ = STRICT
    round: int | None
    name: str
    layers: int
    hidden: int
    heads: tuple[int, ...]
    neurons: tuple[int, ...]
    vocabulary: int
    positions: int
    parameters: int
    bytes: int
    flops: int
    latency_ms: float | None
    accuracy: float
    lost: float
    lost_at_most: float
    above_floor: bool


@dataclass(frozen=True)
class Curve:
    """Every point of a pruning, and how it was judged.

    Attributes:
        max_length: tokens of a row, which FLOPs are told for.
        latency_length: tokens of a row of the latency table; None without one.
        rows: validation rows that the accuracies are told on.
        confidence: of the one-sided bound, in (0, 1).
        max_accuracy_drop: the floor: points of accuracy that may be lost, bound included.
        stopped: why no further round was run: its target was met; its schedule, without a target, was at its end; the
            floor; stop_after; or the sparsities came short of the target.
        chosen: the round whose model the artifact is; None: the start itself.
        points: the start, the trimmed model, the rounds, in this order.
    """

    __pydantic_config__ = STRICT
    max_length: int
    latency_length: int | None
    rows: int
    confidence: float
    max_accuracy_drop: float
    stopped: Stopped
    chosen: int | None
    points: tuple[Point, ...]

    @property
    def start(self) -> Point:
        """The unpruned start, which all losses are told against."""
        return self.at(None)

    @property
    def floor(self) -> float:
        """The accuracy in [0, 1] that no bound may fall below."""
        return self.start.accuracy - self.max_accuracy_drop / 100

    @property
    def clock(self) -> str:
        """Which row its milliseconds are of."""
        return f"one row of {self.latency_length or self.max_length} tokens, by the latency table"

    @property
    def pace(self) -> str:
        """The name of the figure that tells the time: latency_ms where every point has it, else flops."""
        return "flops" if any(point.latency_ms is None for point in self.points) else "latency_ms"

    def at(self, round_: int | None) -> Point:
        """Return the point of a round; None: the start.

        Raises:
            KeyError: there is no such point.
        """
        return {point.round: point for point in self.points}[round_]


def pareto(points: Sequence[Point], costs: Sequence[str]) -> list[bool]:
    """Tell which points are worth choosing: no other is as accurate and as cheap, and better in one of these.

    Args:
        points: the points; of equal ones, all are worth as much.
        costs: names of the figures that should be small: parameters, bytes, flops, latency_ms.

    Returns: per point, whether no other dominates it.
    """
    values = [(-point.accuracy, *(getattr(point, name) for name in costs)) for point in points]
    return [not any(_dominates(other, value) for other in values) for value in values]


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def round_folder(pruned: Path, number: int) -> Path:
    """Where a pruned checkpoint keeps the model of a round that is not its own."""
    return pruned / ROUNDS / str(number)


def curve_from(value: Any) -> Curve:
    """Read a curve from JSON values.

    Raises:
        ValueError: they are none.
    """
    curve = TypeAdapter(Curve).validate_python(value)
    if not {None, curve.chosen} <= {point.round for point in curve.points}:
        raise ValueError(f"there is no start, or no round {curve.chosen}")
    return curve


def write_curve(folder: Path, curve: Curve) -> None:
    """Write `curve.json`; the same curve gives the same bytes."""
    text = json.dumps(asdict(curve), ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    (folder / CURVE).write_text(text + "\n", encoding="utf-8")


def read_curve(folder: Path) -> Curve | None:
    """Read the curve that a checkpoint's folder carries; None where it carries none.

    Raises:
        ArtifactError: there is a `curve.json` that is no curve.
    """
    if not (folder / CURVE).is_file():
        return None
    try:
        return curve_from(json.loads((folder / CURVE).read_bytes()))
    except ValueError as broken:
        raise ArtifactError(f"{folder / CURVE} is not the curve of a pruning; make it again by prune") from broken
