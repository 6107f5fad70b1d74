"""The plain files beside the sealed report: where they are, and how one that validate wrote before is known again."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from potstill.output_files import OutputFile, claim_files
from potstill.validate.budgets.verdict import SCHEMA
from potstill.validate.card import CARD_MARK
from potstill.validate.figures import BESIDES
from potstill.validate.report import MARK, TITLE

FIGURES, JUDGEMENT, PAGE, MARKDOWN, CARD = "figures", "judgement", "page", "markdown", "card"


def claim_outputs(report: Path, places: Mapping[str, Path | None]) -> dict[str, Path]:
    """Say where each plain file goes, once none of them would overwrite what validate did not write.

    Args:
        report: the sealed report's folder.
        places: of each file, by FIGURES and so on; None: beside the report, named after it.

    Raises:
        ArtifactError: every file that must not be written, in one line.
    """
    files = {
        name: OutputFile(places[name] or report.with_name(report.name + suffix), known)
        for name, (suffix, known) in _KINDS.items()
    }
    claim_files(files, report)
    return {name: each.path for name, each in files.items()}


def _holds_figures(text: str) -> bool:
    return _mapping(text).keys() >= BESIDES


def _holds_verdict(text: str) -> bool:
    return _mapping(text).get("schema") == SCHEMA


def _mapping(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


_KINDS: dict[str, tuple[str, Callable[[str], bool]]] = {
    FIGURES: (".json", _holds_figures),
    JUDGEMENT: (".verdict.json", _holds_verdict),
    PAGE: (".html", lambda text: TITLE in text),
    MARKDOWN: (".md", lambda text: text.endswith(MARK)),
    CARD: (".card.md", lambda text: text.endswith(CARD_MARK)),
}
