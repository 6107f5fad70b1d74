"""The limits that a verdict judged by are those that the definition asked for, where one is there.

Who releases chooses the budgets: a pass is a pass under these limits, and says no more.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from potstill.errors import InputError
from potstill.evidence import shape
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import DEFINITION_FOLDER, PARAMETERS, VERDICT
from potstill.signing.strict_json import read_strict

BUDGETS: Final = "budgets"  # the parameter of a pipeline
DEFAULTS: Final[Mapping[str, Any]] = {  # of validate, for each budget that nobody named
    "max_accuracy_loss": 2.0,
    "max_class_loss": 5.0,
    "min_accuracy": None,
    "min_agreement": 0.95,
    "beat_tfidf": True,
    "max_ece": 0.1,
    "max_unk_rate": 0.02,
    "max_robustness_loss": 10.0,
    "max_size_mb": 20.0,
    "max_memory_mb": 100.0,
    "max_latency_p95_ms": 62.0,
    "max_latency_ratio": 0.25,
    "max_cold_start_ms": None,
    "confidence": 0.95,
}


def asked_for(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits that were asked for: neither null nor false; 0 is one, too."""
    return {name: each for name, each in limits.items() if each is not None and each is not False}


def limited_otherwise(evidence: Evidence) -> Iterator[str]:
    """Name every limit of the verdict that is not the definition's.

    Args:
        evidence: of a release or a bundle with a definition. A pipeline that was given no budgets has validate's own.

    Raises:
        InputError: budgets that are no JSON text of known names.
    """
    told = evidence.verdict["limits"]
    wanted = {**DEFAULTS, **_asked(evidence.parameters.get(BUDGETS, ""))}
    for name in sorted(wanted.keys() | told.keys()):
        if name not in told or name not in wanted or not _same(told[name], wanted[name]):
            asked = f"asked for {shape.shown(wanted[name])}" if name in wanted else "knows no such limit"
            yield f"{VERDICT} judged by {name} {shape.shown(told.get(name))}, the definition {asked}"


def _asked(text: Any) -> dict[str, Any]:
    """The budgets as a run hands them on: JSON text; empty, where nobody named any."""
    where = f"{DEFINITION_FOLDER}/{PARAMETERS}: {BUDGETS}"
    if text == "":
        return {}
    if not isinstance(text, str):
        raise InputError(f"{where} must be JSON text, as a run writes it, got {shape.shown(text)}")
    asked = shape.mapping(read_strict(text.encode(), where), where)
    for name in asked:
        shape.one_of(name, f"{where}: a name", *DEFAULTS)
    return asked


def _same(mine: Any, theirs: Any) -> bool:
    """Compare as JSON does: 50 and 50.0 are one number, and true is none."""
    return isinstance(mine, bool) == isinstance(theirs, bool) and bool(mine == theirs)
