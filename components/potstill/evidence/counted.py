"""Figures of a report that hang together: accuracies and losses are counted rows, and the rows are the same for all."""

from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from typing import Any, Final

from potstill.evidence.shape import listed, whole

REFERENCES: Final = ("teacher", "float", "model")  # what losses are taken against: the first of them that was judged
CONTROL: Final = "control"  # distill judged it: of its rows nothing is known
NEAR: Final = 1e-9  # of shares: what a decimal number loses
Figures = Mapping[str, Any]


def counted_otherwise(summary: Figures) -> Iterator[str]:
    """Name every model whose figures are not what its counted rows give.

    Args:
        summary: of a sealed report.

    Raises:
        InputError: what must be a count is none.
        LookupError, TypeError, ValueError: figures of another shape than a report's.
    """
    models, reference = summary["models"], summary["reference"]
    wanted = next((each for each in REFERENCES if each in models), "")
    if reference != wanted:
        yield f"losses are told against {reference}, wanted is {wanted or 'a teacher or a float model'}"
        return
    matrices = {name: _matrix(each, summary, name) for name, each in models.items() if name != CONTROL}
    known = matrices[reference]
    for name, matrix in matrices.items():
        wrong = [*_shares(models[name], matrix, summary), *_other_rows(matrix, known)]
        wrong += _lost(models[name]["loss"], matrix, known, summary) if name != reference else []
        yield from (f"{name}: {each}" for each in wrong)


Matrix = Sequence[Sequence[int]]  # rows by truth and prediction


def _matrix(model: Figures, summary: Figures, name: str) -> Matrix:
    rows = listed(model["confusion"], f"confusion of {name}")
    size = len(summary["labels"])
    if len(rows) != size or any(len(each) != size for each in rows):
        raise ValueError(f"the confusion matrix of {name} must be of {size} labels")
    return [[whole(count, f"confusion of {name}") for count in row] for row in rows]


def _shares(model: Figures, matrix: Matrix, summary: Figures) -> Iterator[str]:
    rows, right = sum(map(sum, matrix)), sum(matrix[place][place] for place in range(len(matrix)))
    if rows != summary["rows"]:
        yield f"its confusion matrix has {rows} rows, judged were {summary['rows']}"
    elif not isclose(model["accuracy"], right / rows, abs_tol=NEAR):
        yield f"its accuracy is {model['accuracy']}, its confusion matrix gives {right / rows}"


def _other_rows(matrix: Matrix, reference: Matrix) -> Iterator[str]:
    if [sum(each) for each in matrix] != [sum(each) for each in reference]:
        yield "its rows of each class are not those of the reference"


def _lost(loss: Figures, matrix: Matrix, reference: Matrix, summary: Figures) -> Iterator[str]:
    """A loss tells of each class the rows that went wrong and those that came right, and of all their sums."""
    classes = loss["classes"]
    if [each["label"] for each in classes] != summary["labels"]:
        yield "its loss tells of other classes than the labels"
        return
    for place, each in enumerate(classes):
        yield from _lost_of(each, matrix[place], reference[place], place)
    for name in ("rows", "lost_rows", "gained_rows"):
        if whole(loss[name], name) != sum(each[name] for each in classes):
            yield f"its loss has {loss[name]} {name}, its classes have {sum(each[name] for each in classes)}"


def _lost_of(told: Figures, row: Sequence[int], reference: Sequence[int], place: int) -> Iterator[str]:
    lost, gained, rows = (whole(told[name], name) for name in ("lost_rows", "gained_rows", "rows"))
    balance = reference[place] - row[place]
    if rows != sum(row):
        yield f"its loss has {rows} rows of {told['label']!r}, its confusion matrix {sum(row)}"
    elif balance != lost - gained:
        yield f"its loss of {told['label']!r} is {lost - gained} rows, the confusion matrices give {balance}"
    elif lost > reference[place] or gained > sum(reference) - reference[place]:
        yield f"its loss of {told['label']!r} is of rows that the reference did not have"
