"""Going on from an earlier run: its rounds are taken as they are, when they were made of the same work."""

from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.encoder.checkpoint import load_classifier
from potstill.errors import InputError
from potstill.options import recorded
from potstill.prune.config import PruneConfig
from potstill.prune.curve import Curve, read_curve, round_folder

JUDGING = ("max_accuracy_drop", "confidence", "stop_after", "keep_rounds", "max_unknown_rise")
"""Options that say where to stop and what to keep; they change no round."""


@dataclass(frozen=True)
class Earlier:
    """The rounds of an earlier run.

    Attributes:
        folder: its pruned checkpoint.
        curve: its curve.
    """

    folder: Path
    curve: Curve

    def model(self, number: int) -> PreTrainedModel | None:
        """Load what a round ended with; None where the run has not come so far, or did not keep it."""
        kept = round_folder(self.folder, number)
        if kept.is_dir():
            return load_classifier(kept)
        return load_classifier(self.folder) if self.curve.chosen == number else None


def open_earlier(pruned: Artifact, config: PruneConfig, inputs: dict[str, Artifact]) -> Earlier:
    """Open an earlier run.

    Args:
        pruned: what it wrote.
        config: the options of this run.
        inputs: what this run reads, by name.

    Raises:
        InputError: no rounds, or rounds of other inputs or options.
    """
    maker = pruned.made_by["stage"]
    if maker != "prune":
        raise InputError(f"{pruned.path} was made by {maker}; --resume takes what prune wrote")
    curve = read_curve(pruned.path)
    if curve is None:
        raise InputError(f"{pruned.path} has no rounds to go on from; pass what prune wrote, or leave --resume out")
    differences = [*_inputs(pruned, inputs), *_options(pruned, config)]
    if differences:
        raise InputError(
            f"{pruned.path} is another work: {'; '.join(differences)}; give the same, or leave --resume out"
        )
    return Earlier(pruned.path, curve)


def _inputs(pruned: Artifact, inputs: dict[str, Artifact]) -> list[str]:
    names = sorted((set(pruned.inputs) | set(inputs)) - {"resume"})
    ours = {name: each.digest for name, each in inputs.items()}
    return [
        f"{name} was {pruned.inputs.get(name, 'not given')[:12]}, now it is {ours.get(name, 'not given')[:12]}"
        for name in names
        if pruned.inputs.get(name) != ours.get(name)
    ]


def _options(pruned: Artifact, config: PruneConfig) -> list[str]:
    before, now = pruned.made_by["config"], recorded(config)
    return [
        f"{name} was {before.get(name)}, now it is {value}"
        for name, value in now.items()
        if name not in JUDGING and before.get(name) != value
    ]
