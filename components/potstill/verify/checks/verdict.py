"""The verdict follows from its judgements, and is that of the report and of the models that ship."""

from collections.abc import Iterator, Mapping
from typing import Any

from potstill.evidence.layout import CARD, FIGURES, FORMATS, PAGE, REPORT_FOLDER, VERDICT
from potstill.evidence.shape import mapping
from potstill.signing.strict_json import read_strict
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved, gathered
from potstill.verify.judgements import contradictions, told_limits

TOLD = ("verdict", "final", "reference", "rows", "licence", "report", "failures", "budgets")
SUMMARY = f"{REPORT_FOLDER}/summary.json"


def _prove(case: Case) -> Proved:
    index, verdict = case.evidence.index, case.evidence.verdict
    wrong = gathered(
        _of_another_model(case),
        _contradictions(case),
        _other_figures(case),
        _of_another_report(case, PAGE),
        _of_another_report(case, CARD),
    )
    said = (
        f"The verdict is {index.verdict.upper()}: it follows from its {len(verdict['budgets'])} judgements on "
        f"{verdict['rows']} test rows, and belongs to the report and to the models that ship."
    )
    if index.override:
        said = f"OVERRIDE! RELEASED AGAINST ITS VERDICT, because: {index.override}. {said}"
    return Proved(said, wrong, details=[told_limits(verdict), *verdict["failures"]])


def _of_another_model(case: Case) -> Iterator[str]:
    """What was judged is what ships, at the level of confidence that was asked for."""
    verdict = case.evidence.verdict
    final = str(verdict["final"])
    folder = FORMATS[next((name for name in FORMATS if final.startswith(f"{name}_")), "pytorch")]
    if folder not in case.index.ships:
        yield f"{VERDICT} is about {final}, and {folder} does not ship"
    if verdict["confidence"] != verdict["limits"].get("confidence"):
        yield f"{VERDICT}: the confidence is not that of its limits"


def _contradictions(case: Case) -> Iterator[str]:
    """Each judgement is what its own figures and the sealed report say."""
    figures = {**_json(case, FIGURES), **_json(case, SUMMARY)}  # of what both tell, what is sealed counts
    yield from (f"{VERDICT}: {each}" for each in contradictions(case.evidence.verdict, figures))


def _other_figures(case: Case) -> Iterator[str]:
    """The figures are those of the sealed report and of the verdict."""
    summary, figures = _json(case, SUMMARY), _json(case, FIGURES)
    for name in sorted(summary):
        if summary[name] != figures.get(name):
            yield f"{FIGURES} has another {name} than the sealed report"
    for name in TOLD:
        if case.evidence.verdict[name] != figures.get(name):
            yield f"{FIGURES} has another {name} than {VERDICT}"


def _of_another_report(case: Case, name: str) -> Iterator[str]:
    if case.evidence.report.digest.encode() not in case.read(name):
        yield f"{name} is of another report"


def _json(case: Case, name: str) -> Mapping[str, Any]:
    return mapping(read_strict(case.read(name), name), name)


CHECK = Check("verdict", "the verdict follows from its judgements and belongs to what ships", _prove)
