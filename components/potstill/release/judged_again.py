"""The verdict judged again, from the sealed report and the figures beside it: nobody's word is taken for it."""

from collections.abc import Iterator, Mapping
from math import isclose
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from potstill.errors import InputError
from potstill.evidence.layout import SUMMARY_FILE
from potstill.evidence.shape import shown
from potstill.release.inputs import Papers
from potstill.signing.strict_json import read_strict
from potstill.validate.budgets import Budgets, failures_of, judge_budgets, verdict_of

# What validate's figures tell besides the sealed summary.
BESIDES = {"latency", "footprint", "devices", "budgets", "verdict", "failures", "report", "made_by"}
NEAR = 1e-9  # another processor may round the last bits of a bound otherwise


def refuse_other_verdict(papers: Papers, report: Path) -> None:
    """Prove that the verdict follows from the figures, and the figures from the sealed report.

    Latency and memory stand in no sealed file, as they differ from run to run: there the figures alone are asked.

    Args:
        papers: what validate wrote beside the report.
        report: the sealed report.

    Raises:
        InputError: figures that are not those of the report, or a verdict that does not follow from them.
    """
    summary = read_strict((report / SUMMARY_FILE).read_bytes(), f"{report / SUMMARY_FILE}")
    differing = sorted(name for name in summary if summary[name] != papers.every.get(name))
    if differing:
        raise InputError(f"figures differ from the sealed report in {', '.join(differing)}; run validate again")
    extra = sorted((summary.keys() | BESIDES) ^ papers.every.keys())
    if extra:
        raise InputError(f"figures must be those of validate; missing or extra: {shown(', '.join(extra))}")
    if not papers.verdict["budgets"]:
        raise InputError("the verdict has no judgement; give validate at least one budget")
    try:
        wanted = judge_budgets(papers.every, limits_of(papers.verdict))
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as broken:
        raise InputError(f"figures cannot be judged again ({shown(str(broken))}); run validate again") from broken
    offences = list(_offences(papers, wanted))
    if offences:
        raise InputError(f"the verdict does not follow from the figures: {'; '.join(offences)}; run validate again")


def limits_of(verdict: Mapping[str, Any]) -> Budgets:
    """The budgets as they were asked for.

    A verdict tells every limit, and not which of them the file named. It named one that differs from its default, and
    one that failed because nothing was measured for it.
    """
    defaults = Budgets().model_dump(mode="json")
    unmeasured = {each["name"] for each in verdict["budgets"] if each["verdict"] == "fail" and each["value"] is None}
    named = {name for name, limit in verdict["limits"].items() if name in unmeasured or limit != defaults.get(name)}
    return Budgets.model_validate({name: verdict["limits"][name] for name in named})


def _offences(papers: Papers, wanted: list[dict[str, Any]]) -> Iterator[str]:
    told = papers.verdict["budgets"]
    if len(told) != len(wanted):
        yield f"it has {len(told)} judgements, the figures give {len(wanted)}"
        return
    for mine, theirs in zip(wanted, told, strict=True):
        wrong = [name for name in mine if not _same(mine[name], theirs[name])]
        yield from (f"{theirs['name']} of {theirs['model']}: {name} is {shown(mine[name])}" for name in wrong)
    if papers.verdict["verdict"] != verdict_of(wanted) or papers.verdict["failures"] != failures_of(wanted):
        yield f"the figures give {verdict_of(wanted)}, and other failures"
    yield from (
        f"{name} of the figures is another"
        for name in ("verdict", "failures", "budgets")
        if papers.every.get(name) != papers.verdict[name]
    )
    if papers.verdict["confidence"] != papers.verdict["limits"]["confidence"]:
        yield "its confidence is not that of its limits"


def _same(mine: Any, theirs: Any) -> bool:
    numbers = isinstance(mine, float) and isinstance(theirs, int | float) and not isinstance(theirs, bool)
    return isclose(mine, theirs, rel_tol=NEAR, abs_tol=NEAR) if numbers else mine == theirs
