"""`potstill validate compare A B` on the command line."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from potstill.errors import OptionError
from potstill.one_line import refused_in_one_line
from potstill.plain_json import as_json
from potstill.told import DIFFERENT, SAME, Told
from potstill.validate.compare.comparison import compare
from potstill.validate.compare.page import claim_page, write_page
from potstill.validate.compare.reading import read_report
from potstill.validate.compare.text import told


@refused_in_one_line()
def compare_reports(
    a: Annotated[Positional[Path], arg(metavar="A")],
    b: Annotated[Positional[Path], arg(metavar="B")],
    *,
    json: bool = False,
    html: Annotated[Path | None, arg(metavar="PATH")] = None,
    confidence: float = 0.95,
) -> Told:
    """Put two releases side by side: what moved, and what of it is more than luck.

    Every model that both reports judged, and the models that ship: accuracy with paired bootstrap, exact McNemar test
    and Holm's correction, by class, too; macro-F1, calibration, size, latency, robustness; the verdicts; what each was
    made of; rows that are newly wrong. The exit code is 0 where nothing is significantly worse, 1 where something is
    or a budget is no longer met, and 2 where they cannot be compared.

      potstill validate compare runs/june runs/july --html compare.html

    Args:
        a: a sealed report, or the folder of a finished run: the release that was.
        b: the release that is to replace it.
        json: print the comparison as one JSON object.
        html: write it as a page, too.
        confidence: level of intervals and tests, in [0.5, 1).

    Raises:
        ArtifactError: no sealed report, or a file of it was changed.
        InputError: reports on different labels.
        OptionError: a confidence out of its range.
    """
    if not 0.5 <= confidence < 1:
        raise OptionError(f"confidence should be in [0.5, 1), got {confidence}")
    first, second = read_report(a), read_report(b)
    if html:
        claim_page(html, second.artifact.path)
    found = compare(first, second, confidence)
    if html:
        write_page(html, first, second, found)
    lines = [as_json(asdict(found), indent=2)] if json else list(told(first, second, found))
    return Told(lines, DIFFERENT if found.worse else SAME)
