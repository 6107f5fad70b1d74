"""How often each bound passes a model that loses the margin, or nothing: python tests/bench/bench_non_inferiority.py

In every trial a model loses exactly the margin (or, for power, nothing) against its reference, and gains as many rows
as the rate says; the number of rows lost and gained is drawn from their multinomial distribution. A bound passes the
model where the one-sided 95 % upper bound of the loss is within the margin: wrongly, as the loss is the margin. Each
line shows the worst of the rates of gains (0, 0.01, 0.04, 0.1); --all shows each.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from potstill.markdown import table  # noqa: E402
from potstill.measure.intervals import paired_bootstrap_counts  # noqa: E402
from potstill.measure.non_inferiority import rows_to_decide  # noqa: E402
from potstill.measure.non_inferiority.ordering import approximate_limit, z_of  # noqa: E402
from tests.class_trials import class_trials, passing  # noqa: E402
from tests.pass_region import pass_region  # noqa: E402

ROWS = (100, 500, 2_000, 10_125)
MARGINS = (0.01, 0.02, 0.05)
GAINED = (0.0, 0.01, 0.04, 0.1)
CLASSES = (60, 200, 400, 700, 900, 1_000, 1_000, 1_000, 1_200, 1_500)
Z = z_of(0.95)
Passes = Callable[[np.ndarray, np.ndarray, int, float], np.ndarray]


def exact(lost: np.ndarray, gained: np.ndarray, rows: int, margin: float) -> np.ndarray:
    """By `loss_at_most`: the counts that pass, all at once."""
    return lost <= pass_region(rows, margin)[gained]


def adjusted_wald(lost: np.ndarray, gained: np.ndarray, rows: int, margin: float) -> np.ndarray:
    """By the limit of Bonett and Price."""
    return approximate_limit(lost, gained, rows, Z) <= margin


def wald(lost: np.ndarray, gained: np.ndarray, rows: int, margin: float) -> np.ndarray:
    """By the textbook's limit."""
    loss = (lost - gained) / rows
    return loss + Z * np.sqrt(((lost + gained) / rows - loss**2) / rows) <= margin


def bootstrap(lost: np.ndarray, gained: np.ndarray, rows: int, margin: float) -> np.ndarray:
    """By the 95 % quantile of the paired bootstrap, 2,000 draws."""
    return np.array(
        [
            paired_bootstrap_counts(int(one), int(other), rows, 0.9, 2_000)[1] <= margin
            for one, other in zip(lost, gained, strict=True)
        ]
    )


METHODS: dict[str, Passes] = {
    "exact": exact,
    "adjusted Wald": adjusted_wald,
    "Wald": wald,
    "bootstrap": bootstrap,
}


def passed(method: Passes, rows: int, loss: float, gained: float, margin: float, trials: int, seed: int = 0) -> float:
    """The share of trials that pass at a true loss."""
    dice = np.random.default_rng(seed)
    drawn = dice.multinomial(rows, [gained + loss, gained, 1 - 2 * gained - loss], size=trials)[:, :2]
    counts, often = np.unique(drawn, axis=0, return_counts=True)
    return float(often[method(counts[:, 0], counts[:, 1], rows, margin)].sum() / trials)


def classes_passed(losses: tuple[float, ...], margin: float, trials: int) -> tuple[float, float]:
    """The share of trials in which some class at the margin passes; and that of classes without a loss that pass."""
    at_margin = np.array(losses) >= margin
    passed_by_holm = passing(class_trials(losses, 0.02, CLASSES, trials), CLASSES, margin)
    wrong = passed_by_holm[:, at_margin].any(axis=1).mean()
    return float(wrong), float(passed_by_holm[:, ~at_margin].mean()) if (~at_margin).any() else float("nan")


def wrong_passes(trials: int, *, every: bool) -> Iterator[list[str]]:
    """Lines of the table: by rows and margin, the worst over the rates of gains or each of them."""
    for rows in ROWS:
        for margin in MARGINS:
            found = {g: [passed(m, rows, margin, g, margin, trials) for m in METHODS.values()] for g in GAINED}
            shown = {str(g): shares for g, shares in found.items()} if every else {"worst": worst(found)}
            for gained, shares in shown.items():
                yield [f"{rows:,}", f"{margin:g}", gained, *(f"{100 * share:.2f} %" for share in shares)]


def worst(found: dict[float, list[float]]) -> list[float]:
    """The greatest share of each method."""
    return [max(column) for column in zip(*found.values(), strict=True)]


def power(trials: int) -> Iterator[list[str]]:
    """Lines of the table: how often a model that loses nothing passes."""
    for rows in ROWS:
        for margin in MARGINS:
            shares = [passed(exact, rows, 0.0, gained, margin, trials) for gained in (0.005, 0.01, 0.02, 0.04, 0.1)]
            yield [f"{rows:,}", f"{margin:g}", *(f"{100 * share:.0f} %" for share in shares)]


def wanted() -> Iterator[list[str]]:
    """Lines of the table: rows that show a model without a loss to be within the margin."""
    for margin in (0.005, 0.01, 0.02, 0.05):
        numbers = [rows_to_decide(each, each, 10_000, margin, least=1) for each in (0, 50, 100, 200, 400, 1_000)]
        yield [f"{margin:g}", *(f"{each:,}" if each else "—" for each in numbers)]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--all", action="store_true", help="each rate of gains, not the worst of them")
    asked = parser.parse_args()
    print(f"wrong passes in {asked.trials:,} trials, true loss = margin\n")
    print(table(["rows", "margin", "gained", *METHODS], wrong_passes(asked.trials, every=asked.all)))
    print("\npasses of a model that loses nothing, by the rate of rows gained (as many are lost)\n")
    print(table(["rows", "margin", "0.005", "0.01", "0.02", "0.04", "0.1"], power(asked.trials)))
    print("\nrows that let a model pass which loses as many rows as it gains, by the share of rows that disagree\n")
    print(table(["margin", "0", "0.01", "0.02", "0.04", "0.08", "0.2"], wanted()))
    print(
        f"\nten classes of {', '.join(f'{each:,}' for each in CLASSES)} rows, margin 0.05: trials with a wrong pass\n"
    )
    for name, losses in (("all", (0.05,) * 10), ("the smallest", (0.05,) + (0.0,) * 9), ("half", (0.05, 0.0) * 5)):
        wrong, right = classes_passed(losses, 0.05, asked.trials)
        others = "" if np.isnan(right) else f"; of the other classes {100 * right:.0f} % pass"
        print(f"{name} at the margin: {100 * wrong:.2f} %{others}")


if __name__ == "__main__":
    main()
