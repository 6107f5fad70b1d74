"""A comparison as one HTML file that needs nothing else: light and dark, on paper and on a phone."""

from pathlib import Path

from potstill.errors import ArtifactError
from potstill.output_files import OutputFile, claim_files, write_whole
from potstill.validate.compare.comparison import Comparison
from potstill.validate.compare.conclusion import conclusion
from potstill.validate.compare.reading import Report
from potstill.validate.compare.tables import tables
from potstill.validate.report.jinja import environment

TEMPLATE = "compare.html"
TITLE = "potstill comparison</title>"  # by it a page of ours is known again, and may be replaced


def claim_page(path: Path, report: Path) -> None:
    """Refuse a folder that is not there, to overwrite what is no page of ours, and to write into a sealed report.

    Raises:
        ArtifactError: a path where the page may not be written.
    """
    if not path.absolute().parent.is_dir():
        raise ArtifactError(
            f"html {path} cannot be written ({path.parent} is no folder); make it, or pass another file"
        )
    claim_files({"html": OutputFile(path, lambda text: TITLE in text)}, report)


def write_page(path: Path, first: Report, second: Report, found: Comparison) -> None:
    """Write the page."""
    from potstill.validate.compare.plots import movements_plot  # noqa: PLC0415 - matplotlib is slow

    page = (
        environment(Path(__file__).parent)
        .get_template(TEMPLATE)
        .render(
            first=first,
            second=second,
            found=found,
            conclusion=conclusion(found),
            tables=tables(found),
            plot=None if found.identical else movements_plot(found),
        )
    )
    write_whole(path, page)
