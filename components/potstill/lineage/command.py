"""`potstill lineage`: what a release was made from, for an auditor to read."""

from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from pathlib import Path

from potstill.attempt import attempt
from potstill.errors import InputError
from potstill.evidence.whole import evidence_of
from potstill.interrupts import stop_by_exception
from potstill.lineage.drawing import draw, in_words, standalone
from potstill.lineage.facts import nodes_of
from potstill.lineage.page import MARK, page_of
from potstill.lineage.text import text_of
from potstill.offline_parser import OfflineParser, path_of
from potstill.output_files import OutputFile, claim_files, write_whole
from potstill.screen import print_lines
from potstill.signing.shown_path import refuse_secrets

OURS_SVG = '<title id="name">Lineage of '


EXPLANATION = """\
Tells from what, by which stage, options and code every model of a release was made, back to data and teacher.

  potstill lineage runs/bundle
  potstill lineage runs/bundle --html lineage.html --svg lineage.svg

The text comes always; a picture and a page besides, where they are asked for. Only the evidence is read, and nothing is
proved of it: potstill verify does that.
"""


def main(arguments: Sequence[str]) -> int:
    """Run `potstill lineage …`; return the exit code: 0 done, 2 refused."""
    return attempt("lineage", lambda: _run(arguments))


def _run(arguments: Sequence[str]) -> int:
    refuse_secrets(arguments)
    asked = _parser().parse_args(arguments)
    stop_by_exception()
    return print_lines(show_lineage(asked.bundle, asked.svg, asked.html))


def _parser() -> OfflineParser:
    parser = OfflineParser(
        prog="potstill lineage",
        description=EXPLANATION,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bundle", type=path_of("bundle"), metavar="BUNDLE", help="a release or a signed bundle")
    parser.add_argument(
        "--svg", type=path_of("file"), metavar="FILE", help="write the picture: SVG, for light and dark"
    )
    parser.add_argument(
        "--html",
        type=path_of("file"),
        metavar="FILE",
        help="write a page that stands alone: the picture, and all that the manifests say",
    )
    return parser


def show_lineage(bundle: Path, svg: Path | None = None, html: Path | None = None) -> Iterator[str]:
    """Tell from what, by which stage, options and code every model of a release was made, back to data and teacher.

    Args:
        bundle: a release or a signed bundle.
        svg: the file for the picture.
        html: the file for the page.

    Returns: the text, line by line.

    Raises:
        InputError: no release, or evidence that cannot be read.
        ArtifactError: evidence that contradicts itself, or a file that would overwrite what is not ours.
    """
    if not bundle.is_dir():
        raise InputError(f"{bundle} is not a folder; wanted is a release or a bundle as potstill wrote it")
    files = {
        name: OutputFile(path, ours)
        for name, path, ours in (("svg", svg, _our_picture), ("html", html, _our_page))
        if path is not None
    }
    claim_files(files, bundle)
    evidence = evidence_of(bundle)
    nodes = nodes_of(evidence)
    if svg is not None:
        name = f"Lineage of {evidence.index.name} {evidence.index.version}"
        write_whole(svg, standalone(draw(nodes), name, in_words(nodes)))
    if html is not None:
        write_whole(html, page_of(evidence))
    return text_of(evidence)


def _our_picture(text: str) -> bool:
    return OURS_SVG in text[:10_000]


def _our_page(text: str) -> bool:
    return f'<meta name="generator" content="{MARK}">' in text[:2_000]
