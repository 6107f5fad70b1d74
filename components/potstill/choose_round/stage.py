"""The stage: a pruned checkpoint in, another of its rounds out."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from potstill.artifacts import CHECKPOINT, expect, seal
from potstill.choose_round.rounds import copy_round, find_round, read_rounds
from potstill.measure.measures import Measures
from potstill.options import options
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.prune.curve import write_curve


@options
class ChooseRoundConfig:
    """Which round is taken."""

    round: Annotated[int, Field(ge=-1)] = -1
    """The round to take, 0 for the trimmed model; -1 is refused with the list of those that are there."""


def choose_round(pruned: Path, chosen: Path, config: ChooseRoundConfig) -> Measures:
    """Take another round out of a pruned checkpoint: smaller, or more accurate, without pruning again.

    Prune judges by a floor. Who reads its curve may want another round; a round below the floor may be taken, too.

    Args:
        pruned: `checkpoint/v1` as prune wrote it, with the model of every round.
        chosen: where the round is written as a `checkpoint/v1` of its own, with its tokenizer and the curve.
        config: the options.

    Returns: the round, its validation accuracy in [0, 1], points of it lost against the start and lost at most (the
        one-sided bound), parameters, bytes of its weights.

    Raises:
        ArtifactError: the input is not sealed, or of another kind.
        InputError: it keeps no rounds.
        OptionError: it does not have this round; those that it has are listed.
    """
    from potstill.prune.curve_plot import write_drawing  # noqa: PLC0415 - matplotlib is slow

    start = expect(pruned, CHECKPOINT)
    curve = read_rounds(pruned)
    point, source = find_round(pruned, curve, config.round)
    marked = replace(curve, chosen=point.round)
    with creating(chosen, CHECKPOINT, pruned):
        copy_round(source, chosen)
        write_curve(chosen, marked)
        write_drawing(chosen, marked)
        meaning = {
            "labels": start.meaning["labels"],
            "max_length": min(start.meaning["max_length"], point.positions),
            "start_validation_accuracy": curve.start.accuracy,
            "validation_accuracy": point.accuracy,
            "round": point.round,
        }
        seal(chosen, CHECKPOINT, maker("choose-round", config), {"pruned": start}, meaning)
    return {
        "round": float(config.round),
        "validation_accuracy": point.accuracy,
        "lost": point.lost,
        "lost_at_most": point.lost_at_most,
        "parameters": float(point.parameters),
        "bytes": float(point.bytes),
    }
