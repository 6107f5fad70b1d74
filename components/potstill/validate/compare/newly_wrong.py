"""Rows that the first release gets right and the second wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from potstill.validate.compare.reading import Report
from potstill.validate.compare.rows import CommonRows

MOST = 12


@dataclass(frozen=True)
class WrongRow:
    """A row that is newly wrong.

    Attributes:
        row_id: names it.
        text: where a report tells it; else "".
        truth: its label.
        predicted: what the second release says.
        before: how sure the first one was of the truth, in [0, 1].
        after: how sure the second one is of what it says.
    """

    row_id: str
    text: str
    truth: str
    predicted: str
    before: float
    after: float


def newly_wrong(first: Report, second: Report, common: CommonRows) -> tuple[WrongRow, ...]:
    """List those that the final models differ on, the ones that the first was surest of, first."""
    if not (len(common) and first.has_predictions(first.final) and second.has_predictions(second.final)):
        return ()
    truth = first.named("label")[common.one]
    before, after = first.named(first.final)[common.one], second.named(second.final)[common.other]
    sure, surely = first.probability(first.final)[common.one], second.probability(second.final)[common.other]
    wrong = np.flatnonzero((before == truth) & (after != truth))
    texts = _texts(first.summary) | _texts(second.summary)
    ids = first.row_ids[common.one]
    return tuple(
        WrongRow(ids[row], texts.get(ids[row], ""), truth[row], after[row], float(sure[row]), float(surely[row]))
        for row in wrong[np.argsort(-sure[wrong], kind="stable")][:MOST]
    )


def _texts(summary: Any) -> dict[str, str]:
    """The texts that a report tells, by row."""
    shown = (summary.get("worst") or {}).values()
    return {each["row_id"]: each["text"] for rows in shown for each in rows if "row_id" in each}
