"""A budget of two reports in words."""

from collections.abc import Iterator, Sequence

from potstill.validate.budgets.judgement import AT_LEAST, AT_MOST
from potstill.validate.candidates import TITLES
from potstill.validate.compare.budgets import BudgetChange, Side, only_one_has
from potstill.validate.compare.reading import Report
from potstill.validate.compare.titles import titled
from potstill.validate.report.numbers import NONE

FORMS = {"points": "{:.2f} points", "MB": "{:.3f} MB", "ms": "{:.2f} ms", "×": "{:.3f} ×"}


def budget_of(each: BudgetChange) -> str:
    """Name a budget and what it judges."""
    return f"{each.name} of {model_of(each)}"


def model_of(each: BudgetChange) -> str:
    """Name the model that a budget judges, with the device where it is not this machine."""
    return titled(each) + (f" on {each.where}" if each.where else "")


def value_of(side: Side) -> str:
    """Write what was measured."""
    if side.value is None:
        return NONE
    if side.unit == "share":
        text = f"{100 * side.value:.2f} %" if "%" in side.wanted else f"{side.value:.4f}"
    else:
        text = FORMS.get(side.unit, "{:.4g}").format(side.value)
    return text.replace("-", "−")


def limit_of(side: Side) -> str:
    """Write what is allowed, without what a rival is called."""
    return side.wanted.partition(",")[0] or (NONE if side.limit is None else f"{side.limit:g}")


def moved(before: str, after: str) -> str:
    """Write one word where both are the same, else both."""
    return before if before == after else f"{before} → {after}"


def no_longer_met(changes: Sequence[BudgetChange]) -> Iterator[str]:
    """Write a line for each budget that was met and is no longer."""
    for each in changes:
        if each.lost:
            yield f"{budget_of(each)}: {_why(each)}"


def newly_met(changes: Sequence[BudgetChange]) -> Iterator[str]:
    """Write a line for each budget that was not met and is now."""
    for each in changes:
        if each.gained:
            yield f"{budget_of(each)}: {_why(each)}"


def budget_notes(first: Report, second: Report, changes: Sequence[BudgetChange]) -> Iterator[str]:
    """Say what of the budgets is not one against one."""
    if not first.figures or not second.figures:
        return
    yield from _other_limits(changes)
    undecided = [each for each in changes if each.undecided]
    if undecided:
        names = ", ".join(dict.fromkeys(budget_of(each) for each in undecided))
        yield f"not sure on other rows, whose number widens the bound, and not counted as worse: {names}"
    for side, found in zip("AB", only_one_has(first, second), strict=True):
        if found:
            yield f"budgets that only {side} has: {', '.join(_of_models(*each) for each in found.items())}"


def _other_limits(changes: Sequence[BudgetChange]) -> Iterator[str]:
    other = [each for each in changes if each.other_limit]
    if not other:
        return
    limits = dict.fromkeys(f"{each.name} {_limits(each)}" for each in other)
    yield f"the limits differ: {'; '.join(limits)}. A verdict under another limit is not counted as worse by itself"
    if any(each.by_first_limit is not None for each in other):
        yield "where the limits differ, B is judged by A's limit, too; not met there is worse, if A met it"
    unsure = dict.fromkeys(each.name for each in other if each.by_first_limit is None)
    if unsure:
        yield f"B cannot be judged by A's limit: {', '.join(unsure)}"


def _limits(each: BudgetChange) -> str:
    """Both limits, without saying `at most` twice."""
    before, after = limit_of(each.before), limit_of(each.after)
    bound = next((bound for bound in (AT_MOST, AT_LEAST) if before.startswith(bound)), "")
    return f"{before} → {after.removeprefix(bound).strip() if bound else after}"


def limits_of(each: BudgetChange) -> str:
    """Write what is allowed: once, where both allow the same."""
    before, after = limit_of(each.before), limit_of(each.after)
    return before if before == after else _limits(each)


def _why(each: BudgetChange) -> str:
    values = moved(value_of(each.before), value_of(each.after))
    if not each.other_limit:
        return f"{moved(each.before.verdict, each.after.verdict)} ({values}; {limits_of(each)})"
    found = "keeps to" if each.by_first_limit else "beyond"
    return f"{values}, {found} A's limit ({limit_of(each.before)}; B's own: {limit_of(each.after)})"


def _of_models(name: str, models: Sequence[str]) -> str:
    return f"{name} ({'; '.join(TITLES.get(each, each) for each in models)})"
