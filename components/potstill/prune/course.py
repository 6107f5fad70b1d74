"""The way of a pruning: its points so far, and the best model of them, the smallest above the floor."""

import shutil
from pathlib import Path

from transformers import PreTrainedModel

from potstill import processes
from potstill.encoder.checkpoint import save_checkpoint
from potstill.encoder.start import VOCABULARY
from potstill.progress import tell
from potstill.prune.curve import Point, round_folder
from potstill.prune.shape import shape_of
from potstill.prune.targets import MEGA, Meter
from potstill.training.floor import Floor, Judgement

START, TRIMMED = "start", "trimmed"


class Course:
    """Judges each model as it comes, and keeps those that are not the best.

    Attributes:
        points: the start, and every model after it.
        model: the smallest above the floor.
        chosen: its round; None: the start.
        tokenizer: folder of its tokenizer.
    """

    def __init__(self, start: PreTrainedModel, tokenizer: Path, floor: Floor, meter: Meter, kept: Path | None) -> None:
        """Begin at the start.

        Args:
            start: the unpruned model.
            tokenizer: folder of its tokenizer.
            floor: judges.
            meter: tells what models cost.
            kept: the artifact's folder, where models that are not the best are kept; None: nowhere.
        """
        self.floor, self.meter, self.kept = floor, meter, kept
        self.model, self.tokenizer = start, tokenizer
        self.chosen: int | None = None
        self.points = [self._point(None, START, start, floor.start)]

    def judge(self, number: int, model: PreTrainedModel, tokenizer: Path) -> bool:
        """Judge a model; tell whether it is above the floor, and so the best now.

        Args:
            number: of its round; 0: it was trimmed alone.
            model: the model.
            tokenizer: folder of its tokenizer.
        """
        name = f"round {number}" if number else TRIMMED
        point = self._point(number, name, model, self.floor.judge(model))
        self._tell(point)
        self.points.append(point)
        if not self._better(point):
            self._keep(number, model, tokenizer)
            return point.above_floor
        self._keep(self.chosen, self.model, self.tokenizer)
        self.model, self.tokenizer, self.chosen = model, tokenizer, number
        return True

    @property
    def best(self) -> Point:
        """The point of the best model."""
        return next(point for point in self.points if point.round == self.chosen)

    def _better(self, point: Point) -> bool:
        """Tell whether a point is better: a round may find nothing to remove, and lose accuracy all the same."""
        smaller = [getattr(point, cost) < getattr(self.best, cost) for cost in ("parameters", "flops")]
        return point.above_floor and (any(smaller) or point.accuracy >= self.best.accuracy)

    def _point(self, number: int | None, name: str, model: PreTrainedModel, found: Judgement) -> Point:
        shape, costs = shape_of(model.config), self.meter.read(model.config)
        return Point(
            round=number,
            name=name,
            layers=shape.layers,
            hidden=shape.hidden,
            heads=shape.heads,
            neurons=shape.neurons,
            vocabulary=shape.vocabulary,
            positions=shape.positions,
            **vars(costs),
            **vars(found),
        )

    def _keep(self, number: int | None, model: PreTrainedModel, tokenizer: Path) -> None:
        """Keep a round's model, with its tokenizer and id map; the start is the student itself."""
        if number is None or self.kept is None or not processes.is_first():
            return
        folder = round_folder(self.kept, number)
        folder.mkdir(parents=True)
        save_checkpoint(model, tokenizer, folder)
        copy_id_map(tokenizer, folder)

    def _tell(self, point: Point) -> None:
        latency = "" if point.latency_ms is None else f", {point.latency_ms:.2f} ms"
        verdict = "the best so far" if self._better(point) else "no smaller and less accurate, passed over"
        verdict = verdict if point.above_floor else f"below the floor of {self.floor.points:g} points, undone"
        tell(
            f"{point.name}: {point.parameters:,} parameters, {point.bytes / MEGA:.3g} MB, "
            f"{point.flops / MEGA:.3g} MFLOPs{latency}; accuracy {100 * point.accuracy:.2f} %, {point.lost:.2f} points "
            f"lost, at most {point.lost_at_most:.2f}: {verdict}"
        )


def copy_id_map(tokenizer: Path, folder: Path) -> None:
    """Copy what tells the old id of each new one, where a smaller vocabulary has such a map."""
    if (tokenizer / VOCABULARY).is_file():
        shutil.copyfile(tokenizer / VOCABULARY, folder / VOCABULARY)
