"""Everything that differs between two reports, and what of it is surely worse."""

from collections.abc import Iterator
from dataclasses import dataclass

from potstill.errors import InputError
from potstill.validate.compare.budget_words import newly_met, no_longer_met
from potstill.validate.compare.budgets import BudgetChange, budget_changes
from potstill.validate.compare.facts import Difference, origins
from potstill.validate.compare.figures import Figure, costs, figures, same_rows
from potstill.validate.compare.movement import Movement, movements
from potstill.validate.compare.newly_wrong import WrongRow, newly_wrong
from potstill.validate.compare.notes import notes, remarks
from potstill.validate.compare.reading import Report
from potstill.validate.compare.rows import common_rows
from potstill.validate.compare.titles import titled
from potstill.validate.report.numbers import points


@dataclass(frozen=True)
class Comparison:
    """The second report against the first.

    Attributes:
        identical: the same sealed report twice; what stands beside it, times and budgets, may differ still.
        confidence: of intervals; p-values are significant from 1 - confidence down.
        movements: of the final models first, then of each model that both have; none where identical.
        figures: of the same models, where they are of the same rows.
        costs: times and memory of the same models, measured once each: they decide nothing.
        origins: what the reports were made of, where it differs.
        budgets: those that both have.
        newly_wrong: rows of the final models.
        worse: what is surely worse, a line each.
        better: what is surely better, a line each.
        remarks: what to know before anything else: labels that are all the same, a quick look.
        notes: what could not be compared, and why.
    """

    identical: bool
    confidence: float
    movements: tuple[Movement, ...] = ()
    figures: tuple[Figure, ...] = ()
    costs: tuple[Figure, ...] = ()
    origins: tuple[Difference, ...] = ()
    budgets: tuple[BudgetChange, ...] = ()
    newly_wrong: tuple[WrongRow, ...] = ()
    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def compare(first: Report, second: Report, confidence: float = 0.95) -> Comparison:
    """Compare two reports.

    Args:
        first: the release that was.
        second: the one that is to replace it.
        confidence: level, in [0.5, 1).

    Raises:
        InputError: reports on different labels.
    """
    _require_same_labels(first, second)
    identical = first.artifact.digest == second.artifact.digest
    common = common_rows(first, second)
    moved = () if identical else movements(first, second, common, confidence)
    budgets = budget_changes(first, second, same_rows=same_rows(first, second, common))
    alpha = 1 - confidence
    return Comparison(
        identical=identical,
        confidence=confidence,
        movements=moved,
        figures=() if identical else figures(first, second, common),
        costs=costs(first, second),
        origins=origins(first, second),
        budgets=budgets,
        newly_wrong=newly_wrong(first, second, common),
        worse=(*_significant(moved, alpha, -1), *no_longer_met(budgets)),
        better=(*_significant(moved, alpha, 1), *newly_met(budgets)),
        remarks=tuple(remarks(first, second, moved, identical=identical)),
        notes=tuple(notes(first, second, common, moved, budgets)),
    )


def _require_same_labels(first: Report, second: Report) -> None:
    gone = [each for each in first.labels if each not in second.labels]
    new = [each for each in second.labels if each not in first.labels]
    if gone or new:
        only = [f"only {report.given} has {', '.join(each)}" for report, each in ((first, gone), (second, new)) if each]
        raise InputError(f"the labels differ: {'; '.join(only)}. Compare reports on the same classes")


def _significant(moved: tuple[Movement, ...], alpha: float, sign: int) -> Iterator[str]:
    """Models, and classes of the final one, that moved in one direction by more than luck."""
    for each in moved:
        if each.moved(alpha) == sign:
            yield f"{titled(each)}: accuracy {points(each.change)} points (p = {each.adjusted:.2g})"
    for part in moved[0].classes if moved else ():
        if part.moved(alpha) == sign:
            yield f"{titled(moved[0])}, class {part.label}: {points(part.change)} points (p = {part.adjusted:.2g})"
