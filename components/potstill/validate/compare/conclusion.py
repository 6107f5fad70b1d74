"""The first lines of a comparison: what is worse, what is better, and how much was looked at."""

from collections.abc import Iterator, Sequence

from potstill.validate.compare.comparison import Comparison


def conclusion(found: Comparison) -> list[str]:
    """Say what is surely worse and surely better, and of how many models, classes and budgets."""
    return [
        *found.remarks,
        *(f"worse: {each}" for each in found.worse),
        *(f"better: {each}" for each in found.better),
        *([] if found.worse or found.identical else [f"nothing is significantly worse, at {_level(found)}"]),
        *_counted(found),
    ]


def _counted(found: Comparison) -> Iterator[str]:
    """Say how many models, classes and budgets are worse, better and neither."""
    alpha = 1 - found.confidence
    if found.movements:
        yield _many([each.moved(alpha) for each in found.movements], "models", found)
        if found.movements[0].classes:
            yield _many([each.moved(alpha) for each in found.movements[0].classes], "classes of the final model", found)
    if found.budgets:
        lost, gained = (sum(getattr(each, way) for each in found.budgets) for way in ("lost", "gained"))
        rest = len(found.budgets) - lost - gained
        yield f"{len(found.budgets)} budgets that both have: {lost} no longer met, {gained} newly met, {rest} neither"


def _many(signs: Sequence[int], what: str, found: Comparison) -> str:
    worse, better = signs.count(-1), signs.count(1)
    rest = len(signs) - worse - better
    return f"{len(signs)} {what}: {worse} significantly worse, {better} better, {rest} neither, at {_level(found)}"


def _level(found: Comparison) -> str:
    return f"{100 * found.confidence:g} %"
