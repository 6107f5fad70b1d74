"""The verdict as evidence: it must follow from its own judgements, and belong to the report that is released."""

from collections.abc import Mapping
from typing import Any

from potstill.errors import InputError
from potstill.evidence import shape
from potstill.evidence.manifest import DIGEST
from potstill.signing.strict_json import read_strict

SCHEMA = "potstill/verdict/v1"
KEYS = ("schema", "verdict", "final", "reference", "rows", "confidence", "licence", "report", "failures", "budgets")
JUDGEMENT = ("name", "model", "verdict", "value", "limit", "unit", "wanted", "measured", "advice", "detail")
OUTCOMES = ("fail", "inconclusive", "pass")  # the worst first


def read_verdict(data: bytes, where: str) -> dict[str, Any]:
    """Read the verdict that validate wrote.

    Args:
        data: its bytes.
        where: how messages call it.

    Raises:
        InputError: not strict JSON, not of a verdict's shape, or not what follows from its judgements.
    """
    body = shape.mapping(read_strict(data, where), where, *KEYS, "limits")
    shape.one_of(body["schema"], f"{where}: schema", SCHEMA)
    shape.one_of(body["verdict"], f"{where}: verdict", *OUTCOMES)
    for name in ("final", "reference"):
        shape.text(body[name], f"{where}: {name}")
    shape.whole(body["rows"], f"{where}: rows")
    shape.text(body["report"], f"{where}: report", DIGEST)
    shape.mapping(body["licence"], f"{where}: licence", "expression", "use")
    shape.mapping(body["limits"], f"{where}: limits")
    for number, each in enumerate(shape.listed(body["budgets"], f"{where}: budgets")):
        _check_judgement(each, f"{where}: budgets[{number}]")
    _refuse_contradiction(body, where)
    return body


def outcome_of(judgements: list[Mapping[str, Any]]) -> str:
    """Join judgements: fail if any fails, else inconclusive if any is, else pass."""
    found = {each["verdict"] for each in judgements}
    return next((each for each in OUTCOMES if each in found), "pass")


def _check_judgement(value: Any, where: str) -> None:
    shape.mapping(value, where, *JUDGEMENT)
    for name in ("name", "model", "unit", "wanted", "measured", "advice", "detail"):
        shape.text(value[name], f"{where}.{name}")
    shape.one_of(value["verdict"], f"{where}.verdict", *OUTCOMES)


def _refuse_contradiction(body: Mapping[str, Any], where: str) -> None:
    follows = outcome_of(body["budgets"])
    if body["verdict"] != follows:
        raise InputError(f"{where} says {body['verdict']}, its judgements say {follows}; run validate again")
    failing = [each for each in body["budgets"] if each["verdict"] != "pass"]
    failures = shape.listed(body["failures"], f"{where}: failures")
    if len(failures) != len(failing):
        raise InputError(
            f"{where} tells {len(failures)} failures, {len(failing)} of its judgements are no pass; run validate again"
        )
