"""The verdict over all judgements, what it fails for in words, and the file that a release manager signs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from potstill.output_files import write_whole
from potstill.validate.budgets.judgement import Judgement, Outcome
from potstill.validate.budgets.limits import Budgets
from potstill.validate.gate import FAIL, INCONCLUSIVE, PASS

SCHEMA: Final = "potstill/verdict/v1"


class VerdictLicence(BaseModel):
    """What may be done with the models."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    expression: str
    """SPDX licence expression."""
    use: Literal["open", "undeclared", "research-only"]
    """As the most restricted ancestor allows."""


class Verdict(BaseModel):
    """The file `verdict.json`: the verdict, every judgement that it rests on, and the evidence by its digest."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, populate_by_name=True
    )

    kind: Literal["potstill/verdict/v1"] = Field(alias="schema", default=SCHEMA)
    """The version of this form."""
    verdict: Outcome
    """fail if any budget fails, else inconclusive if any is, else pass."""
    final: str
    """The model that ships."""
    reference: str
    """The model that losses are counted against."""
    rows: int = Field(ge=1)
    """Test rows that judged."""
    confidence: float
    """Level of the one-sided bounds of what is lost."""
    licence: VerdictLicence
    """What may be done with the models."""
    report: str
    """SHA-256 of the sealed report, which holds every prediction."""
    failures: list[str]
    """A line for each budget that is not met or not decided; empty when all are met."""
    budgets: list[Judgement]
    """Every budget held against every model that it is for."""
    limits: Budgets
    """The budgets as they were asked for; null: no such budget."""


def verdict_of(judgements: Iterable[Mapping[str, Any]]) -> Outcome:
    """Join all judgements: fail if any fails, else inconclusive if any is, else pass."""
    found = {each["verdict"] for each in judgements}
    return FAIL if FAIL in found else INCONCLUSIVE if INCONCLUSIVE in found else PASS


def failures_of(judgements: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name each budget that is not a pass in a line of its own: value, limit, what decides, what to try."""
    ranked = sorted((each for each in judgements if each["verdict"] != PASS), key=lambda each: each["verdict"] != FAIL)
    return [_line(each) for each in ranked]


def write_verdict(path: Path, figures: Mapping[str, Any], budgets: Budgets) -> None:
    """Write `verdict.json`; the same figures give the same bytes.

    Args:
        path: the file.
        figures: those of validate, complete.
        budgets: the limits that `figures["budgets"]` were judged by.
    """
    keys = ("verdict", "final", "reference", "rows", "licence", "report", "failures", "budgets")
    told = {key: figures[key] for key in keys}
    verdict = Verdict.model_validate({**told, "confidence": budgets.confidence, "limits": budgets})
    body = verdict.model_dump(mode="json", by_alias=True)
    write_whole(path, json.dumps(body, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _line(judgement: Mapping[str, Any]) -> str:
    undecided = " (inconclusive)" if judgement["verdict"] == INCONCLUSIVE else ""
    detail = f" ({judgement['detail']})" if judgement["detail"] else ""
    facts = f"{judgement['measured']}, wanted {judgement['wanted']}{detail}"
    advice = f". Try: {judgement['advice']}" if judgement["advice"] else ""
    return f"{judgement['name']}{undecided}: {judgement['model']} has {facts}{advice}"
