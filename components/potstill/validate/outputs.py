"""The plain files beside the sealed report: where they are, and how one that validate wrote before is known again."""

import json
from pathlib import Path

from potstill.output_files import OutputFile, claim_files
from potstill.validate.figures import BESIDES
from potstill.validate.page import MARK, TITLE

FIGURES, PAGE, MARKDOWN = "figures", "page", "markdown"


def claim_outputs(report: Path, figures: Path | None, page: Path | None, markdown: Path | None) -> dict[str, Path]:
    """Say where each plain file goes, once none of them would overwrite what validate did not write.

    Args:
        report: the sealed report's folder.
        figures: the JSON file; None: beside the report, with `.json`.
        page: the HTML page; None: with `.html`.
        markdown: the Markdown page; None: with `.md`.

    Raises:
        ArtifactError: every file that must not be written, in one line.
    """
    files = {
        FIGURES: OutputFile(figures or _beside(report, ".json"), _holds_figures),
        PAGE: OutputFile(page or _beside(report, ".html"), lambda text: TITLE in text),
        MARKDOWN: OutputFile(markdown or _beside(report, ".md"), lambda text: text.endswith(MARK)),
    }
    claim_files(files, report)
    return {name: each.path for name, each in files.items()}


def _beside(report: Path, suffix: str) -> Path:
    return report.with_name(report.name + suffix)


def _holds_figures(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) and value.keys() >= BESIDES
