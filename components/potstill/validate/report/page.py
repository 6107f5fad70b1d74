"""The HTML report: one file that needs nothing else, the verdict first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from potstill.measure.table import research_only
from potstill.output_files import write_whole
from potstill.qat.audit import Audit
from potstill.validate.report.jinja import environment
from potstill.validate.report.quick_look import quick_look
from potstill.validate.report.verdict import WORDS, tiles, why

TEMPLATE = "report.html"
TITLE = "potstill report</title>"  # in every page; by it the next run knows that it may replace the page


def write_page(path: Path, figures: Mapping[str, Any], audit: Audit | None = None) -> None:
    """Write the HTML report; the same figures give the same bytes.

    Args:
        path: the file.
        figures: the whole of the figures.
        audit: of the quantised model's ranges, where it carries one.
    """
    from potstill.validate.report.sections import sections  # noqa: PLC0415 - matplotlib is slow

    text = (
        environment()
        .get_template(TEMPLATE)
        .render(
            figures=figures,
            models=figures["models"],
            final=figures["models"][figures["final"]],
            reference=figures["models"][figures["reference"]],
            banner=research_only(figures),
            word=WORDS[figures["verdict"]],
            why=why(figures),
            quick=quick_look(figures),
            tiles=tiles(figures),
            sections=sections(figures, audit),
        )
    )
    write_whole(path, text)
