"""The rows that two reports judged alike, and what two models did on them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from potstill.validate.compare.reading import Report

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CommonRows:
    """Rows with the same id and the same true label in both.

    Attributes:
        one: (rows,) their places in the first report.
        other: (rows,) and in the second.
        relabelled: rows with the same id whose true label differs.
    """

    one: Places
    other: Places
    relabelled: int

    def __len__(self) -> int:
        return len(self.one)


def common_rows(one: Report, other: Report) -> CommonRows:
    """Find the rows that both judged; an id that names several rows names none, unless all stand in the same order."""
    if np.array_equal(one.row_ids, other.row_ids):
        first = second = np.arange(len(one.row_ids))
    else:
        _, first, second = np.intersect1d(_once(one.row_ids), _once(other.row_ids), return_indices=True)
        first, second = _places(one.row_ids)[first], _places(other.row_ids)[second]
    same = one.named("label")[first] == other.named("label")[second]
    return CommonRows(first[same], second[same], int(np.count_nonzero(~same)))


def _once(ids: npt.NDArray[np.object_]) -> npt.NDArray[np.str_]:
    return np.asarray(ids[_places(ids)], str)


def _places(ids: npt.NDArray[np.object_]) -> Places:
    """Places of the ids that stand there once."""
    _, place, often = np.unique(ids.astype(str), return_index=True, return_counts=True)
    return np.asarray(np.sort(place[often == 1]), np.int64)
