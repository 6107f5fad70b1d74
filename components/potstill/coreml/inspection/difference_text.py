"""A difference as a person reads it in a terminal."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from potstill.coreml.inspection.answers import Answers
from potstill.coreml.inspection.difference import Changed, Difference, WeightChange

LARGEST = 12  # weights that are listed one by one
MISSING = "—"


def told(first: Path, second: Path, difference: Difference) -> str:
    """Write in what the second package differs from the first, as lines."""
    return "\n".join(_lines(first, second, difference))


def _lines(first: Path, second: Path, difference: Difference) -> Iterator[str]:
    yield f"{first} → {second}: {'no difference' if difference.none else 'they differ'}"
    yield from _changes("description", difference.description)
    yield from _changes("metadata", difference.metadata)
    yield from _changes("operators", difference.operators)
    yield from _weights(difference)
    yield from _answers(difference)


def _changes(title: str, changes: Sequence[Changed]) -> Iterator[str]:
    yield ""
    yield f"{title}: {f'{len(changes)} differ' if changes else 'the same'}"
    for each in changes:
        yield f"  {each.name}: {each.first or MISSING} → {each.second or MISSING}"


def _weights(difference: Difference) -> Iterator[str]:
    yield ""
    yield f"weights: {difference.same_weights} the same, {len(difference.weights)} differ"
    for each in difference.weights[:LARGEST]:
        yield f"  {each.name}: {_how(each)}"
    if len(difference.weights) > LARGEST:
        yield f"  and {len(difference.weights) - LARGEST} more"


def _how(change: WeightChange) -> str:
    if change.how != "values":
        return change.how
    return f"values apart by at most {change.greatest:.3g}, {change.relative:.3%} of its length"


def _answers(difference: Difference) -> Iterator[str]:
    yield ""
    if difference.not_run:
        yield f"answers: not compared ({difference.not_run})"
        return
    rows = difference.answers[0].rows if difference.answers else 0
    yield f"answers, on {rows} rows"
    yield from (f"  {each.name}: {_answer(each)}" for each in difference.answers)


def _answer(answers: Answers) -> str:
    if answers.labels:
        return f"{answers.equal:.2%} of labels are equal"
    if answers.same:
        return "the same"
    return f"apart by at most {answers.greatest:.3g}, by {answers.mean:.3g} in the mean"
