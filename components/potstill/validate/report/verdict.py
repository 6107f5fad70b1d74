"""The verdict first: a word, one sentence of why, and the figures that a decision hangs on."""

import re
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from potstill.validate.report.numbers import count, megabytes, milliseconds, percent, points

ORDER = {"fail": 0, "inconclusive": 1, "pass": 2}
WORDS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}
SAID = 3  # checks that the sentence names
DECIDES = re.compile(r"[^;:]*would decide")  # in a judgement's detail: how many rows are wanting


@dataclass(frozen=True)
class Tile:
    """One figure, large: what it is, how much of what unit, and what to know about it."""

    name: str
    figure: str
    unit: str
    about: str = ""


def ordered(budgets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the judgements, what failed first, then what could not be decided."""
    return sorted(budgets, key=lambda each: ORDER[each["verdict"]])


def why(figures: Mapping[str, Any]) -> str:
    """Say in one sentence why the verdict is what it is; a check is a budget held against a model."""
    budgets = figures["budgets"]
    if not budgets:
        return "Nothing was asked: no budget was set."
    failed = [each for each in budgets if each["verdict"] == "fail"]
    undecided = [each for each in budgets if each["verdict"] == "inconclusive"]
    named = f"{_named(failed or undecided, figures['models'])}."
    if failed:
        also = f" {len(undecided)} more {_are(undecided)} inconclusive." if undecided else ""
        return f"{_of_all(failed, budgets)} {_are(_names(failed))} not met: {named}{also}"
    if undecided:
        return f"No budget is missed, but {_of_all(undecided, budgets)} cannot be decided: {named}"
    return _all_met(budgets)


def tiles(figures: Mapping[str, Any]) -> list[Tile]:
    """Return the final model's figures that a decision hangs on, as far as they were measured."""
    found = (_accuracy(figures), _lost(figures), _size(figures), _time(figures), _agreement(figures), _memory(figures))
    return [tile for tile in found if tile]


def _names(checks: Sequence[Mapping[str, Any]]) -> set[str]:
    return {str(each["name"]) for each in checks}


def _all_met(checks: Sequence[Mapping[str, Any]]) -> str:
    budgets, models = len(_names(checks)), len({each["model"] for each in checks})
    said = f"All {budgets} budgets are met" if budgets > 1 else "The one budget is met"
    counted = f", in {len(checks)} checks of {models} {'models' if models > 1 else 'model'}"
    return f"{said}{counted if len(checks) > budgets else ''}."


def _of_all(some: Sequence[Mapping[str, Any]], checks: Sequence[Mapping[str, Any]]) -> str:
    """So many of the budgets; and of the checks, where a budget is asked of several models."""
    budgets = len(_names(checks))
    said = f"{len(_names(some))} of {budgets} budget{'s' if budgets > 1 else ''}"
    return f"{said} ({len(some)} of {len(checks)} checks)" if len(checks) > budgets else said


def _are(found: Sized) -> str:
    return "are" if len(found) > 1 else "is"


def _named(checks: Sequence[Mapping[str, Any]], models: Mapping[str, Any]) -> str:
    told = [f"{each['name']} of {_title(each, models)} ({'; '.join(_said(each))})" for each in checks[:SAID]]
    more = len(checks) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _title(check: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    return str(models.get(check["model"], {}).get("title", check["model"]))


def _said(check: Mapping[str, Any]) -> list[str]:
    """What was measured and wanted; of what cannot be decided, how many rows would decide it."""
    decides = DECIDES.search(check["detail"] or check["measured"])
    return [check["measured"], f"wanted {check['wanted']}", *([decides[0].strip()] if decides else [])]


def _accuracy(figures: Mapping[str, Any]) -> Tile:
    final = figures["models"][figures["final"]]
    low, high = percent(final["accuracy_low"]), percent(final["accuracy_high"])
    about = f"95 % interval {low} to {high}, {count(figures['rows'])} rows"
    return Tile("Accuracy", percent(final["accuracy"]), "%", about)


def _lost(figures: Mapping[str, Any]) -> Tile | None:
    final = figures["models"][figures["final"]]
    if final["loss"] is None:
        return None
    reference = figures["models"][figures["reference"]]["title"]
    about = f"against {reference}; measured {points(final['loss']['lost'])}, one-sided 95 % bound"
    return Tile("Lost at most", points(final["loss"]["at_most"]).lstrip("+"), "points", about)


def _size(figures: Mapping[str, Any]) -> Tile | None:
    models = figures["models"]
    size, reference = models[figures["final"]]["bytes"], models[figures["reference"]]
    if not size:
        return None
    smaller = figures["reference"] != figures["final"] and (reference["bytes"] or 0) > size
    return Tile(
        "Size",
        megabytes(size),
        "MB",
        f"{reference['bytes'] / size:.1f} times smaller than {reference['title']}" if smaller else "on disk",
    )


def _time(figures: Mapping[str, Any]) -> Tile | None:
    timed, reference = figures["latency"]["models"], figures["reference"]
    if figures["final"] not in timed:
        return None
    mine = timed[figures["final"]]
    about = f"median of one row on one thread of this machine, not of a phone; p95 {milliseconds(mine['p95_ms'])} ms"
    if reference != figures["final"] and timed.get(reference, mine)["p50_ms"] > mine["p50_ms"]:
        times = timed[reference]["p50_ms"] / mine["p50_ms"]
        about += (
            f"; {times:.{1 if times < 10 else 0}f} times faster than {figures['models'][reference]['title']} in PyTorch"
        )
    return Tile("Latency", milliseconds(mine["p50_ms"]), "ms", about)


def _agreement(figures: Mapping[str, Any]) -> Tile | None:
    share = figures["models"][figures["final"]]["agreement_teacher"]
    return (
        None
        if share is None
        else Tile("Agreement", percent(share), "%", f"of rows with the label that {_teacher(figures)} gives")
    )


def _teacher(figures: Mapping[str, Any]) -> str:
    return str(figures["models"].get("teacher", {}).get("title", "the teacher"))


def _memory(figures: Mapping[str, Any]) -> Tile | None:
    found = figures["footprint"]["models"].get(figures["final"])
    if not found:
        return None
    about = (
        f"added to {found['runtime_mb']:.0f} MB of the runtime on this machine (peak {found['peak_mb']:.0f} MB); "
        f"ready after {milliseconds(found['cold_start_ms'])} ms"
    )
    return Tile("Memory", f"{found['added_mb']:.1f}", "MB", about)
