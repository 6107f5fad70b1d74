"""One budget held against one model, in the shape that every report tells it from."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Outcome = Literal["pass", "fail", "inconclusive"]
AT_MOST, AT_LEAST, ABOVE = "at most", "at least", "more than"
NOTHING = "nothing was measured"


def shown(value: float, digits: int, limit: float) -> str:
    """Write a figure with so many digits after the point, or more where it would look like a limit that it is not."""
    text = f"{value:.{digits}f}"
    return text if float(text) != float(f"{limit:.6g}") or value == limit else f"{value:.8g}"


class Judgement(BaseModel):
    """One budget held against one model."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    name: str
    """The budget, by its key in the file."""
    model: str
    """The model that it judges, by its key among the figures."""
    verdict: Outcome
    """Inconclusive: too few rows to tell a loss within the budget from one beyond it. That is not a pass."""
    value: float | None
    """What was measured, in `unit`; of a loss its upper bound. null: nothing was."""
    limit: float | None
    """What the budget allows, in `unit`; null where it is a rival's figure and there is no rival."""
    unit: str
    """points, share, MB, ms, or × (a part of the teacher's)."""
    wanted: str
    """The limit in words: "at most 7.5 MB"."""
    measured: str
    """The value in words, with the device where it is not this machine: "6.153 MB"."""
    advice: str = ""
    """What to try where it is not a pass; else empty."""
    detail: str = ""
    """What decides: the classes with their bounds, the disturbance, the rows that would decide."""
