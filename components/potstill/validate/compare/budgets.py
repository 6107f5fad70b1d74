"""Budgets of two reports beside each other: what was measured, what was allowed, and what became of the verdict."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from potstill.validate.budgets.judgement import AT_LEAST, AT_MOST
from potstill.validate.budgets.judging import ROUNDING
from potstill.validate.compare.movement import pairs
from potstill.validate.compare.reading import Report
from potstill.validate.gate import INCONCLUSIVE, PASS

ELSEWHERE = ("max_memory_mb", "max_latency_p95_ms", "max_cold_start_ms")  # measured on several machines, each named
HERE = "this machine"
RIVAL = ("beat_tfidf",)  # its limit is a measured figure: another one is no other budget
BOUNDS = ("max_accuracy_loss", "max_class_loss")  # held against the bound of a loss, which fewer rows widen
OF_ITS_LIMIT = ("max_class_loss",)  # whose value depends on the limit: Holm's levels follow from who passes

Key = tuple[str, str, str]
Judgement = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """A budget of one report: the verdict, what was measured and what is allowed, in `unit`; None where there is none.

    `wanted` and `measured` say the same in words.
    """

    verdict: str
    value: float | None
    limit: float | None
    unit: str
    wanted: str
    measured: str


@dataclass(frozen=True)
class BudgetChange:
    """A budget that both reports have.

    Attributes:
        name: its key in the file.
        one: key of the model that it judges in the first report.
        other: in the second: the final models are held against each other, whatever they are called.
        where: the device; "" on the machine that judged.
        before: of the first report.
        after: of the second.
        by_first_limit: whether the second's value keeps to the first's limit, where the limits differ and that can be
            told from the figures alone; else None.
        same_rows: whether both reports judged the same rows.
    """

    name: str
    one: str
    other: str
    where: str
    before: Side
    after: Side
    by_first_limit: bool | None
    same_rows: bool

    @property
    def differs(self) -> bool:
        """Whether anything of it is not the same."""
        sides = (self.before, self.after)
        return any(len({getattr(each, key) for each in sides}) > 1 for key in ("verdict", "value", "limit"))

    @property
    def other_limit(self) -> bool:
        """Whether not the same was asked."""
        return self.name not in RIVAL and self.before.limit != self.after.limit

    @property
    def lost(self) -> bool:
        """Whether it was met and no longer is, by the first report's limit."""
        return self._not_kept and not self.undecided

    @property
    def undecided(self) -> bool:
        """Whether it is not kept by a bound alone, which is wider on other rows: no loss is told by that."""
        by_bound = self.name in BOUNDS and (self.other_limit or self.after.verdict == INCONCLUSIVE)
        return self._not_kept and by_bound and not self.same_rows

    @property
    def _not_kept(self) -> bool:
        if self.before.verdict != PASS:
            return False
        return self.by_first_limit is False if self.other_limit else self.after.verdict != PASS

    @property
    def gained(self) -> bool:
        """Whether it was not met and now is, by the first report's limit."""
        if self.before.verdict == PASS:
            return False
        return bool(self.by_first_limit) if self.other_limit else self.after.verdict == PASS


def budget_changes(first: Report, second: Report, *, same_rows: bool) -> tuple[BudgetChange, ...]:
    """Put every budget that both reports have side by side; none where the figures of either are not kept."""
    before, after = _judgements(first), _judgements(second)
    return tuple(
        _change(key, other[1], before[key], after[other], same_rows=same_rows) for key, other in _both(first, second)
    )


def only_one_has(first: Report, second: Report) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Name the budgets that one report alone has, with the models: those of the first, and those of the second."""
    both = _both(first, second)
    found = (
        _alone(_judgements(first), {one for one, _ in both}),
        _alone(_judgements(second), {each for _, each in both}),
    )
    return found if first.figures and second.figures else ({}, {})


def overall(report: Report) -> str:
    """The verdict on a release; "" where it is not kept."""
    return str(report.figures.get("verdict", ""))


def _both(first: Report, second: Report) -> list[tuple[Key, Key]]:
    """Key of the first report, and of the second, in the order of the first."""
    before, after, models = _judgements(first), _judgements(second), pairs(first, second)
    beside = [(key, (key[0], other, key[2])) for key in before for one, other in models if one == key[1]]
    return [(key, partner) for key, partner in beside if partner in after]


def _alone(found_here: Mapping[Key, Judgement], in_both: set[Key]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, model, _ in (key for key in found_here if key not in in_both):
        found.setdefault(name, []).append(model)
    return {name: list(dict.fromkeys(models)) for name, models in found.items()}


def _judgements(report: Report) -> dict[Key, Judgement]:
    return {(str(each["name"]), each.get("model") or "", _where(each)): each for each in _budgets(report)}


def _budgets(report: Report) -> Iterator[Judgement]:
    yield from report.figures.get("budgets") or ()


def _where(each: Judgement) -> str:
    place = str(each.get("measured") or "").partition(" on ")[2] if each["name"] in ELSEWHERE else ""
    return "" if place == HERE else place


def _change(key: Key, model: str, one: Judgement, other: Judgement, *, same_rows: bool) -> BudgetChange:
    name, before, after = key[0], _side(one), _side(other)
    keeps = _keeps(name, before, after) if name not in RIVAL and before.limit != after.limit else None
    return BudgetChange(name, key[1], model, key[2], before, after, keeps, same_rows)


def _keeps(name: str, before: Side, after: Side) -> bool | None:
    """Whether a value keeps to the other report's limit."""
    if after.value is None or before.limit is None or before.unit != after.unit or name in OF_ITS_LIMIT:
        return None
    if before.wanted.startswith(AT_MOST):
        return after.value <= before.limit + ROUNDING
    return after.value >= before.limit - ROUNDING if before.wanted.startswith(AT_LEAST) else None


def _side(each: Judgement) -> Side:
    words = (str(each.get(key) or "") for key in ("unit", "wanted", "measured"))
    return Side(_verdict(each), each.get("value"), each.get("limit"), *words)


def _verdict(budget: Judgement) -> str:
    return str(budget.get("verdict") or ("pass" if budget.get("met") else "fail"))
