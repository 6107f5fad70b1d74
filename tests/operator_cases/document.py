"""Writes docs/coreml/operators.md: python -m tests.operator_cases.document"""

from collections import defaultdict
from pathlib import Path

from potstill.coreml.mlprogram.operators import OPERATORS
from tests.operator_cases.case import Case
from tests.operator_cases.table import CASES

PAGE = Path(__file__).parents[2] / "docs" / "coreml" / "operators.md"
HEAD = """# Operators that are executed

Written by `python -m tests.operator_cases.document` from the table of tests; edit `tests/operator_cases/`, not
this page.

Each row is an operator of MIL, the language of Core ML's programs. `since` is the first iOS that has it, `cases` how
many cases test it (each on every iOS from 15 to 18 that has it), `oracle` what says which answer is right: PyMIL is
coremltools' own value inference; where it has none, or a wrong one, PyTorch or numpy says. The same cases run on Core
ML itself where the tests run on macOS.

{count} operators, {cases} cases. An operator that is not here is named with its place when a package is opened.

| operator | since | cases | oracle | tested on |
|---|---|---|---|---|
"""
NOTES = {"classify": "| `classify` | iOS 15 | 4 | numpy | labels that are texts or numbers, equals, a Chinese label |"}


def page() -> str:
    """The whole page."""
    by_name: dict[str, list[Case]] = defaultdict(list)
    for case in CASES:
        by_name[case.operator].append(case)
    rows = [NOTES[name] if name in NOTES else _row(name, by_name[name]) for name in sorted({*OPERATORS, *by_name})]
    return HEAD.format(count=len(rows), cases=len(CASES)) + "\n".join(rows) + "\n"


def _row(name: str, cases: list[Case]) -> str:
    oracles = ", ".join(sorted({case.source for case in cases}))
    said = ", ".join(dict.fromkeys(part for case in cases for part in case.said.split(", ")))
    return f"| `{name}` | iOS {min(case.since for case in cases)} | {len(cases)} | {oracles} | {said} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
