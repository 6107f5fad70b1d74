"""Figures of two reports beside each other: only those of the same rows, asked in the same way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from potstill.measure.quality import judge_quality
from potstill.validate.compare.movement import pairs
from potstill.validate.compare.reading import Report
from potstill.validate.compare.rows import CommonRows, Places

FILES = ("bytes", "parameters")
OF_ROWS = ("macro_f1", "ece", "brier", "unk_rate")
TIMES = ("p50_ms", "p95_ms", "p99_ms")
FOOTPRINT = ("peak_mb", "added_mb", "cold_start_ms")
DISTURBED = "accuracy, "  # begins the names of what models bear


@dataclass(frozen=True)
class Figure:
    """One figure of a model in both reports; None where a report does not have it."""

    one: str
    other: str
    name: str
    before: float | None
    after: float | None


def figures(first: Report, second: Report, common: CommonRows) -> tuple[Figure, ...]:
    """Figures that come out the same each time, of all models compared, where they are of the same rows.

    Macro-F1 is counted anew on the common rows where the reports judged others, too. Accuracy is told by the movements.
    """
    found: list[Figure] = []
    for pair in pairs(first, second):
        before, after = (dict(_own(report, name)) for report, name in zip((first, second), pair, strict=True))
        if not same_rows(first, second, common):
            before = _anew(before, first, pair[0], common.one)
            after = _anew(after, second, pair[1], common.other)
        if same_disturbed(first, second, common):
            before, after = before | _disturbed(first, pair[0]), after | _disturbed(second, pair[1])
        found += _beside(pair, before, after)
    return tuple(found)


def costs(first: Report, second: Report) -> tuple[Figure, ...]:
    """Times and memory of all models compared: each was measured once, on a machine that does other things, too."""
    found: list[Figure] = []
    for pair in pairs(first, second):
        before, after = (_costs(report, name) for report, name in zip((first, second), pair, strict=True))
        found += _beside(pair, before, after)
    return tuple(found)


def same_rows(first: Report, second: Report, common: CommonRows) -> bool:
    """Tell whether both judged the same rows, with the same true labels."""
    return len(common) == len(first.row_ids) == len(second.row_ids)


def same_disturbed(first: Report, second: Report, common: CommonRows) -> bool:
    """Tell whether the same rows were disturbed in the same way: as many, spread alike over the same rows."""
    asked = [report.summary.get("robustness") or {} for report in (first, second)]
    alike = all(asked[0].get(key) == asked[1].get(key) for key in ("rows", "seed"))
    return all(asked) and alike and same_rows(first, second, common)


def _beside(pair: tuple[str, str], before: dict[str, float | None], after: dict[str, float | None]) -> Iterator[Figure]:
    for name in before | after:
        if before.get(name) is not None or after.get(name) is not None:
            yield Figure(*pair, name, before.get(name), after.get(name))


def _own(report: Report, name: str) -> Iterator[tuple[str, float | None]]:
    for key in (*OF_ROWS, *FILES):
        yield key, report.models[name].get(key)


def _anew(found: Mapping[str, float | None], report: Report, name: str, rows: Places) -> dict[str, float | None]:
    """What does not hang on the rows, and macro-F1 on these."""
    return {"macro_f1": _macro_f1(report, name, rows)} | {key: found[key] for key in FILES}


def _macro_f1(report: Report, name: str, rows: Places) -> float | None:
    """Macro-F1 on some of the rows; None where it is not known what the model predicted."""
    if not len(rows) or not report.has_predictions(name):
        return None
    number = {label: place for place, label in enumerate(report.labels)}
    truth, predicted = (
        np.array([number[each] for each in report.named(column)[rows]], np.int64) for column in ("label", name)
    )
    return judge_quality(truth, predicted, report.labels).macro_f1


def _disturbed(report: Report, name: str) -> dict[str, float | None]:
    found = report.summary["robustness"].get("disturbances", ())
    return {DISTURBED + each["title"]: each["models"].get(name, {}).get("accuracy") for each in found}


def _costs(report: Report, name: str) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for part, keys in (("latency", TIMES), ("footprint", FOOTPRINT)):
        measured = (report.figures.get(part) or {}).get("models", {}).get(name, {})
        found |= {key: measured.get(key) for key in keys}
    return found
