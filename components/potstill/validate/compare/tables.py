"""A comparison as tables of cells: a terminal and a page show the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from potstill.one_line import one_line
from potstill.validate.compare.budget_words import limits_of, model_of, moved, value_of
from potstill.validate.compare.budgets import BudgetChange
from potstill.validate.compare.cells import changed_by, figure_text, signed
from potstill.validate.compare.comparison import Comparison
from potstill.validate.compare.facts import Difference
from potstill.validate.compare.figures import Figure
from potstill.validate.compare.movement import ClassMovement, Movement
from potstill.validate.compare.newly_wrong import WrongRow
from potstill.validate.compare.titles import FIGURES, titled
from potstill.validate.report.numbers import NONE, p_value, points

MODEL_HEAD = ("model", "rows", "lost", "gained", "change", "interval", "lost at most", "same label", "p", "p, Holm")
CLASS_HEAD = ("class", "rows", "lost", "gained", "change", "p", "p, Holm")
FIGURE_HEAD = ("figure", "model", "A", "B", "change")
COST_HEAD = ("figure", "model", "A", "B", "change, %")
BUDGET_HEAD = ("budget", "model", "limit", "A", "B", "verdict", "B by A's limit")
WRONG_HEAD = ("row", "truth", "B says", "A was sure", "B is sure", "text")


@dataclass(frozen=True)
class Table:
    """A table: its title, its head, and its rows; the columns of `words` stand to the left, others to the right."""

    title: str
    head: tuple[str, ...]
    rows: list[list[str]]
    words: tuple[int, ...] = (0,)


def tables(found: Comparison) -> list[Table]:
    """Lay out all that was found; a table without rows is left out."""
    told = [
        Table("accuracy, B less A, in points", MODEL_HEAD, [_model(each) for each in found.movements]),
        Table("classes of the final model, in points", CLASS_HEAD, _classes(found)),
        Table("budgets that differ", BUDGET_HEAD, [_budget(e) for e in found.budgets if e.differs], (0, 1, 2, 5, 6)),
        Table("figures that moved", FIGURE_HEAD, [_figure(each) for each in _moved(found.figures)], (0, 1)),
        Table(
            "times and memory, measured once each: differences below some 20 % are noise",
            COST_HEAD,
            [_cost(each) for each in _moved(found.costs)],
            (0, 1),
        ),
        Table("made of something else", ("what", "A", "B"), [_three(each) for each in found.origins], (0, 1, 2)),
        Table("newly wrong, the surest first", WRONG_HEAD, [_wrong(each) for each in found.newly_wrong], (0, 1, 2, 5)),
    ]
    return [each for each in told if each.rows]


def _moved(figures: Sequence[Figure]) -> list[Figure]:
    """All figures that both have and that moved, each of all models in one place; of the final models first."""
    moved = [each for each in figures if None not in (each.before, each.after) and each.before != each.after]
    order = {name: place for place, name in enumerate(dict.fromkeys(each.name for each in figures))}
    return sorted(moved, key=lambda each: order[each.name])


def _model(each: Movement) -> list[str]:
    """A model's movement as cells under MODEL_HEAD."""
    interval = f"{points(each.low)} to {points(each.high)}"
    same = NONE if each.agreement is None else f"{100 * each.agreement:.2f} %"
    counts = (f"{each.rows:,}", *_counts(each.lost, each.gained))
    at_most = NONE if each.lost_at_most is None else f"{100 * each.lost_at_most:.2f}"
    ps = (p_value(each.p), p_value(each.adjusted))
    return [titled(each), *counts, points(each.change), interval, at_most.replace("-", "−"), same, *ps]


def _classes(found: Comparison) -> list[list[str]]:
    """The final model's classes; none where no row of any moved."""
    classes = found.movements[0].classes if found.movements else ()
    return [_class(each) for each in classes] if any(each.lost or each.gained for each in classes) else []


def _class(each: ClassMovement) -> list[str]:
    """A class's movement as cells under CLASS_HEAD."""
    change = points(each.change) if each.rows else NONE
    counts = _counts(each.lost, each.gained)
    return [each.label, f"{each.rows:,}", *counts, change, p_value(each.p), p_value(each.adjusted)]


def _budget(each: BudgetChange) -> list[str]:
    """A budget as cells under BUDGET_HEAD."""
    again = NONE if each.by_first_limit is None else "met" if each.by_first_limit else "not met"
    values = (value_of(each.before), value_of(each.after))
    return [each.name, model_of(each), limits_of(each), *values, moved(each.before.verdict, each.after.verdict), again]


def _figure(each: Figure) -> list[str]:
    """A figure as cells under FIGURE_HEAD."""
    before, after = each.before or 0.0, each.after or 0.0
    return [*_named(each), signed(figure_text(each.name, after - before))]


def _cost(each: Figure) -> list[str]:
    """A measurement as cells under COST_HEAD."""
    return [*_named(each), changed_by(each.before or 0.0, each.after or 0.0)]


def _named(each: Figure) -> list[str]:
    texts = (figure_text(each.name, value or 0.0) for value in (each.before, each.after))
    return [FIGURES.get(each.name, each.name), titled(each), *texts]


def _wrong(each: WrongRow) -> list[str]:
    """A newly wrong row as cells under WRONG_HEAD."""
    sure = (f"{each.before:.3f}", f"{each.after:.3f}")
    return [each.row_id, each.truth, each.predicted, *sure, one_line(each.text) or NONE]


def _three(each: Difference) -> list[str]:
    return [each.name, each.before or NONE, each.after or NONE]


def _counts(lost: int | None, gained: int | None) -> list[str]:
    return [NONE if each is None else f"{each:,}" for each in (lost, gained)]
