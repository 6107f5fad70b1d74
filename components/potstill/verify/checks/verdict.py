"""The verdict follows from its judgements, and is that of the report and of the models that ship."""

from collections.abc import Iterator, Mapping
from typing import Any

from potstill.evidence.layout import CARD, FIGURES, FORMATS, PAGE, REPORT_FOLDER, VERDICT
from potstill.evidence.shape import mapping
from potstill.signing.strict_json import read_strict
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved
from potstill.verify.judgements import contradictions

TOLD = ("verdict", "final", "reference", "rows", "licence", "report", "failures", "budgets")
SUMMARY = f"{REPORT_FOLDER}/summary.json"


def _prove(case: Case) -> Proved:
    index, verdict = case.evidence.index, case.evidence.verdict
    summary = mapping(read_strict(case.read(SUMMARY), SUMMARY), SUMMARY)
    wrong = [f"{VERDICT}: {each}" for each in contradictions(verdict, summary)]
    wrong += [*_of_another_model(case), *_told_otherwise(case, summary)]
    said = (
        f"The verdict is {index.verdict.upper()}: it follows from its {len(verdict['budgets'])} judgements on "
        f"{verdict['rows']} test rows, and belongs to the report and to the models that ship."
    )
    if index.override:
        said = f"OVERRIDE! RELEASED AGAINST ITS VERDICT, because: {index.override}. {said}"
    return Proved(said, wrong, details=verdict["failures"])


def _of_another_model(case: Case) -> Iterator[str]:
    """What was judged is what ships, at the level of confidence that was asked for."""
    verdict = case.evidence.verdict
    final = str(verdict["final"])
    folder = FORMATS[next((name for name in FORMATS if final.startswith(f"{name}_")), "pytorch")]
    if folder not in case.index.ships:
        yield f"{VERDICT} is about {final}, and {folder} does not ship"
    if verdict["confidence"] != verdict["limits"].get("confidence"):
        yield f"{VERDICT}: the confidence is not that of its limits"


def _told_otherwise(case: Case, summary: Mapping[str, Any]) -> Iterator[str]:
    """The figures are those of the sealed report and of the verdict; page and card are of the same report."""
    figures = mapping(read_strict(case.read(FIGURES), FIGURES), FIGURES)
    for name in sorted(summary):
        if summary[name] != figures.get(name):
            yield f"{FIGURES} has another {name} than the sealed report"
    for name in TOLD:
        if case.evidence.verdict[name] != figures.get(name):
            yield f"{FIGURES} has another {name} than {VERDICT}"
    for name in (PAGE, CARD):
        if case.evidence.report.digest.encode() not in case.read(name):
            yield f"{name} is of another report"


CHECK = Check("verdict", "the verdict follows from its judgements and belongs to what ships", _prove)
