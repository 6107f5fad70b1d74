"""A pruned checkpoint with its rounds, made of the real pieces and no training: start, trimmed, rounds 1 and 2."""

from dataclasses import replace
from pathlib import Path

from potstill.artifacts import CHECKPOINT, Artifact, expect, seal
from potstill.output_folder import creating

LOSSES = {None: (0.0, 0.0), 0: (0.0, 0.6), 1: (0.5, 1.4), 2: (3.0, 4.1)}  # by round: points lost, and lost at most


def points_of(models, max_accuracy_drop=2.0, accuracy=0.9, length=32):
    """One point per model; models: by round."""
    from potstill.prune import cost
    from potstill.prune.curve import Point
    from potstill.prune.shape import shape_of

    points = []
    for number, model in models.items():
        lost, at_most = LOSSES[number]
        shape = vars(shape_of(model.config))
        points.append(
            Point(
                round=number,
                name="start" if number is None else f"round {number}" if number else "trimmed",
                **{name: shape[name] for name in ("layers", "hidden", "heads", "neurons", "vocabulary", "positions")},
                parameters=cost.parameters(model.config),
                bytes=cost.weight_bytes(model.config),
                flops=cost.flops(model.config, length),
                latency_ms=None,
                accuracy=accuracy - lost / 100,
                lost=lost,
                lost_at_most=at_most,
                above_floor=at_most <= max_accuracy_drop,
            )
        )
    return tuple(points)


def shrink(start):
    """The models of the rounds: the start, one with fewer positions, one with uneven layers, and one much smaller."""
    import torch

    from potstill.prune.surgery import cut, cut_positions

    trimmed = cut_positions(start, 32)
    some = cut(trimmed, [torch.arange(4), torch.tensor([0, 2, 3])], [torch.arange(48), torch.arange(8, 64)])
    few = cut(some, [torch.arange(1), torch.arange(2)], [torch.arange(8), torch.arange(16)])
    return {None: start, 0: trimmed, 1: some, 2: few}


def make_pruned(folder: Path, checkpoint: Path) -> Artifact:
    """Write a whole checkpoint/v1 as prune does: round 1 at the root, the others in rounds/, the curve beside them."""
    from potstill.encoder.checkpoint import load_classifier, save_checkpoint
    from potstill.prune.curve import Curve, round_folder, write_curve
    from potstill.prune.curve_plot import write_drawing

    source, models = expect(checkpoint, CHECKPOINT), shrink(load_classifier(checkpoint))
    curve = Curve(32, None, 64, 0.95, 2.0, "floor", 1, points_of(models))
    with creating(folder, CHECKPOINT, checkpoint):
        for number in (0, 2):
            round_folder(folder, number).mkdir(parents=True)
            save_checkpoint(models[number], checkpoint, round_folder(folder, number))
        save_checkpoint(models[1], checkpoint, folder)
        write_curve(folder, curve)
        write_drawing(folder, curve)
        meaning = {"labels": source.meaning["labels"], "max_length": 32, "round": 1}
        return seal(folder, CHECKPOINT, {"stage": "prune"}, {"student": source}, meaning)


def with_latency(curve):
    """The same curve, with milliseconds."""
    return replace(
        curve, latency_length=24, points=tuple(replace(each, latency_ms=each.flops / 1e6) for each in curve.points)
    )
