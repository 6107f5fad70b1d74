"""What to know of a comparison before its figures, and what could not be compared."""

from collections.abc import Iterator, Sequence

from potstill.validate.candidates import TITLES
from potstill.validate.compare.budget_words import budget_notes
from potstill.validate.compare.budgets import BudgetChange, overall
from potstill.validate.compare.figures import DISTURBED, costs, figures, same_disturbed, same_rows
from potstill.validate.compare.movement import PAIRED, Movement
from potstill.validate.compare.reading import Report
from potstill.validate.compare.rows import CommonRows
from potstill.validate.compare.titles import FIGURES, titled


def remarks(first: Report, second: Report, moved: Sequence[Movement], *, identical: bool) -> Iterator[str]:
    """Say that every label is the same, where that is so, how the verdicts differ, and what is but a quick look."""
    if identical:
        yield "identical: the same report twice; every label is the same"
    elif moved and all(each.agreement in (1, None) for each in moved) and moved[0].agreement == 1:
        alike = sum(each.agreement == 1 for each in moved)
        yield f"every label is the same: {alike} models compared on {moved[0].rows:,} rows"
    elif moved and moved[0].agreement == 1:
        yield f"every label of the final model is the same: {titled(moved[0])} on {moved[0].rows:,} rows"
    verdicts = (overall(first), overall(second))
    if all(verdicts) and verdicts[0] != verdicts[1]:
        yield f"verdict: {' → '.join(verdicts)}, each by its own budgets"
    for side, report in zip("AB", (first, second), strict=True):
        rows, whole = int(report.summary["rows"]), int(report.summary.get("whole_rows") or 0)
        if whole > rows:
            yield f"{side} is a quick look: {rows:,} of the {whole:,} rows of its test split were judged"


def notes(
    first: Report, second: Report, common: CommonRows, moved: Sequence[Movement], budgets: Sequence[BudgetChange]
) -> Iterator[str]:
    """Say what could not be compared, and why; the reports are called A and B."""
    for side, report in zip("AB", (first, second), strict=True):
        if not report.figures:
            yield f"no figures beside {side}: its latency, memory, budgets and verdict are not compared"
    yield from _rows(first, second, common, moved)
    yield from _figures(first, second, common)
    yield from budget_notes(first, second, budgets)
    for side, report, other in (("A", first, second), ("B", second, first)):
        alone = [TITLES.get(name, name) for name in report.models if name not in other.models]
        if alone:
            yield f"only in {side}: {'; '.join(alone)}"


def _rows(first: Report, second: Report, common: CommonRows, moved: Sequence[Movement]) -> Iterator[str]:
    rows = (len(first.row_ids), len(second.row_ids))
    if not len(common):
        yield "no row is in both: models are compared as on rows that have nothing to do with each other (unpaired)"
    elif len(common) < max(rows):
        yield f"compared on the {len(common):,} rows that both judged, of {rows[0]:,} and {rows[1]:,}"
    if common.relabelled:
        yield f"{common.relabelled:,} rows have another true label, and are left out"
    unpaired = [titled(each) for each in moved if each.how != PAIRED]
    if len(common) and unpaired:
        yield f"what {', '.join(unpaired)} predicted is not kept: compared by accuracy alone (unpaired)"


def _figures(first: Report, second: Report, common: CommonRows) -> Iterator[str]:
    if not same_rows(first, second, common):
        kept = "macro-F1 is counted anew on the rows that both judged; " if len(common) else "macro-F1, "
        yield f"{kept}ECE, Brier and [UNK] are left out: they are figures of other rows"
    asked = [report.summary.get("robustness") for report in (first, second)]
    if all(asked) and not same_disturbed(first, second, common):
        rows = " and ".join(f"{each.get('rows', 0):,}" for each in asked if each)
        yield f"robustness is left out: not the same rows were disturbed ({rows})"
    found = (*figures(first, second, common), *(costs(first, second) if first.figures and second.figures else ()))
    for side, absent in (("A", "after"), ("B", "before")):
        alone = (each.name for each in found if getattr(each, absent) is None)
        names = dict.fromkeys("robustness" if name.startswith(DISTURBED) else FIGURES[name] for name in alone)
        if names:
            yield f"only {side} tells, of some models: {'; '.join(names)}"
