"""The rounds that a pruned checkpoint keeps: which are there, and the files of one."""

import shutil
from pathlib import Path

from potstill.encoder.tokenizer import TOKENIZER_FILES
from potstill.errors import InputError, OptionError
from potstill.measure.size import MEGABYTE
from potstill.prune.curve import ROUNDS, Curve, Point, read_curve, round_folder

MODEL_FILES = ("config.json", "model.safetensors")
FILES = (*MODEL_FILES, *TOKENIZER_FILES, "vocabulary.json")


def read_rounds(pruned: Path) -> Curve:
    """Read the curve of a checkpoint that keeps its rounds.

    Raises:
        ArtifactError: the curve is none.
        InputError: no curve, or no round beside it.
    """
    curve = read_curve(pruned)
    if curve is None or not (pruned / ROUNDS).is_dir():
        raise InputError(
            f"{pruned} keeps no further rounds; wanted is a checkpoint as potstill prune writes it with --keep-rounds"
        )
    return curve


def find_round(pruned: Path, curve: Curve, number: int) -> tuple[Point, Path]:
    """Return the point of a round, and the folder of its model.

    Raises:
        OptionError: it is not there; the message lists those that are, with accuracy and size.
    """
    kept = {point.round: point for point in curve.points if _holds(pruned, curve, point.round)}
    if number not in kept:
        listed = "; ".join(f"{each} ({_describe(point)})" for each, point in kept.items())
        raise OptionError(f"round must be one of those in {pruned}, got {number}: {listed}")
    own = round_folder(pruned, number)
    return kept[number], own if own.is_dir() else pruned


def copy_round(source: Path, folder: Path) -> None:
    """Copy a round's model, its tokenizer, and the id map of its vocabulary, byte for byte."""
    for name in FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def _holds(pruned: Path, curve: Curve, number: int | None) -> bool:
    """Tell whether a round's model is there: in a folder of its own, or at the root as the chosen one."""
    return number is not None and (number == curve.chosen or round_folder(pruned, number).is_dir())


def _describe(point: Point) -> str:
    place = f"{100 * point.accuracy:.2f} %, {point.bytes / MEGABYTE:.3g} MB"
    return place if point.above_floor else f"{place}, below the floor"
