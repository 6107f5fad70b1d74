"""How the quantised model was made, and which of its ranges hurt: what qat tells beside its checkpoint."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from potstill.artifacts import Artifact
from potstill.qat.audit import hurting, read_audit
from potstill.qat.sensitivity import read_sensitivity

HOW = ("method", "calibration", "percentile", "smoothing", "ranges")  # of qat's options
RANGES = {"ema": "an average of each batch's extremes", "learned": "learned with the weights"}


def int8_ranges(model: Artifact) -> dict[str, Any] | None:
    """Tell in short of a quantised checkpoint; None where it carries no audit.

    Returns: JSON values: `made`, the options that say how; `int8_linears`, how many; `float_linears`, which; `floor`,
        what they are float for, or null; `hurts`, what is wrong with which tensor, the worst first.

    Raises:
        ArtifactError: its `range_audit.json` or `sensitivity.json` is none.
    """
    found, sensitivity = read_audit(model.path), read_sensitivity(model.path)
    if found is None:
        return None
    options = model.made_by.get("config", {})
    floor = asdict(sensitivity) if sensitivity else None
    return {
        "made": {name: options[name] for name in HOW if name in options},
        "int8_linears": len(found.int8_linears),
        "float_linears": list(found.float_linears),
        "floor": floor
        and {**floor["judgement"], **{name: floor[name] for name in ("max_accuracy_drop", "confidence")}},
        "hurts": [{"tensor": each.title, "why": each.hurts} for each in hurting(found)],
    }


def told(short: Mapping[str, Any]) -> list[str]:
    """Say in sentences how the model was made and which linears are int8; short: from `int8_ranges`."""
    count, names = short["int8_linears"], short["float_linears"]
    kept = f"{len(names)} stay float: {', '.join(names)}" if names else "none stays float"
    return [
        *filter(None, (_method(short["made"]), f"{count} linears compute in int8; {kept}.", _floor(short["floor"])))
    ]


def markdown(short: Mapping[str, Any]) -> str:
    """Lay it out as Markdown lines."""
    hurts = [f"{each['tensor']}: {each['why']}." for each in short["hurts"]] or ["No tensor's range hurts."]
    return "\n".join(f"- {line}" for line in (*told(short), *hurts))


def _method(made: Mapping[str, Any]) -> str:
    if not made.get("method"):
        return ""
    share = f" {made['percentile']:g} %" if made["calibration"] == "percentile" else ""
    smoothed = f"; inputs smoothed, alpha {made['smoothing']:g}" if made["smoothing"] else ""
    calibrated = f"calibration {made['calibration']}{share}{smoothed}"
    return {
        "dynamic": "Method dynamic: each text's inputs get their ranges as they come.",
        "static": f"Method static: {calibrated}.",
        "qat": f"Method qat: trained, from {calibrated}; ranges: {RANGES[made['ranges']]}.",
    }[made["method"]]


def _floor(floor: Mapping[str, Any] | None) -> str:
    if floor is None:
        return ""
    return (
        f"The floor: {floor['max_accuracy_drop']:g} points may be lost; it loses {floor['lost']:.2f}, at most "
        f"{floor['lost_at_most']:.2f} (one-sided {100 * floor['confidence']:g} % bound, validation rows)."
    )
