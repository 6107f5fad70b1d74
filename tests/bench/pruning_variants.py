"""What bench_pruning compares: ways to make one classifier smaller, each with its budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from potstill.prune import PruneConfig

PRUNE, PEER, MASKS = "prune", "torch-pruning", "masks"
ROWS, EPOCHS = 4_000, 4  # of the recovery, the same for all: the epochs are divided among the rounds
IMPORTANCE_ROWS = 1_024
ROUNDS = {"one-shot": 1, "iterative": 4}
SHARES = (50, 75, 25)  # the middle first: it counts most
MEASURES = ("taylor", "l2", "movement")
UNIFORM, CONTROL = "uniform", "random"  # Taylor with every layer cut alike; no importance at all
RECOVERED, RAW = "recovered", "raw"
# Nothing goes but what a variant says, and the floor is off.
BASE: dict[str, Any] = {
    "head_sparsity": 0.0,
    "ffn_sparsity": 0.0,
    "trim_positions": False,
    "max_accuracy_drop": 100.0,
    "keep_rounds": False,
    "importance_rows": IMPORTANCE_ROWS,
}


@dataclass(frozen=True)
class Variant:
    """One model of the tables.

    Attributes:
        name: of its folder; `--only` matches it.
        way: prune (the stage), torch-pruning, or masks on single weights.
        options: of the stage; the other ways read sparsity, importance and recovery from them.
        whole: it is made of the teacher with the whole vocabulary.
    """

    name: str
    way: str
    options: dict[str, Any]
    whole: bool = False

    def config(self, rows: int) -> PruneConfig:
        """Return the options, with at most so many rows for recovery and importance."""
        given = {**BASE, **self.options}
        fewer = {name: min(given[name], rows) for name in ("recovery_rows", "importance_rows")}
        return PruneConfig(**{**given, **fewer})


def all_variants(megaflops: float) -> list[Variant]:
    """List every variant, in the order in which they are made; megaflops: of half the heads and neurons."""
    halves, *others = (grid(share) for share in SHARES)
    return [*halves, vocabulary(), *other_parts(megaflops), *(each for grid in others for each in grid)]


def grid(share: int) -> list[Variant]:
    """List the variants that remove `share` % of heads and neurons."""
    found = [heads_and_neurons(share, PRUNE, *each) for each in combined(MEASURES)]
    if share == SHARES[0]:
        iterative = [each for each in combined((UNIFORM, CONTROL)) if "iterative" in each]
        found += [heads_and_neurons(share, PRUNE, *each) for each in iterative]
    found += [heads_and_neurons(share, PEER, *each) for each in combined(("taylor",))]
    return found + [heads_and_neurons(share, MASKS, "l2", "one-shot", each) for each in (RECOVERED, RAW)]


def combined(measures: Sequence[str]) -> list[tuple[str, str, str]]:
    """Combine measures with schedules, with and without recovery."""
    return [(each, schedule, after) for each in measures for schedule in ROUNDS for after in (RECOVERED, RAW)]


def heads_and_neurons(share: int, way: str, measure: str, schedule: str, after: str) -> Variant:
    """Make a variant that removes the same share of heads and of neurons."""
    chosen = {"importance": "taylor", "uniform": True} if measure == UNIFORM else {"importance": measure}
    options = {"head_sparsity": share / 100, "ffn_sparsity": share / 100, **chosen, **budget(schedule, after)}
    return Variant(f"{share}-{way}-{measure}-{schedule}-{after}", way, options)


def budget(schedule: str, after: str) -> dict[str, int]:
    """Return rounds, epochs and rows; without recovery a single row is the least that the stage answers."""
    rounds, recovered = ROUNDS[schedule], after == RECOVERED
    return {"rounds": rounds, "epochs": EPOCHS // rounds * recovered, "recovery_rows": ROWS if recovered else 1}


def other_parts(megaflops: float) -> list[Variant]:
    """List variants that remove hidden width, as much as brings the FLOPs down to those, or whole layers."""
    parts = {
        "hidden": {"hidden_sparsity": 0.9, "target_megaflops": megaflops},
        "layers-1": {"drop_layers": 1},
        "layers-2": {"drop_layers": 2},
    }
    return [
        Variant(f"{name}-{RECOVERED}", PRUNE, each | budget("iterative", RECOVERED)) for name, each in parts.items()
    ]


def vocabulary() -> Variant:
    """Make the variant that cuts nothing but the vocabulary."""
    return Variant("vocabulary", PRUNE, {"vocabulary_coverage": 0.999, **budget("one-shot", RAW)}, whole=True)
