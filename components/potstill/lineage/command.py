"""`potstill lineage`: what a release was made from, for an auditor to read."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from potstill.errors import InputError
from potstill.evidence.whole import evidence_of
from potstill.lineage.drawing import draw, in_words, standalone
from potstill.lineage.facts import nodes_of
from potstill.lineage.page import MARK, page_of
from potstill.lineage.text import text_of
from potstill.one_line import refused_in_one_line
from potstill.output_files import OutputFile, claim_files, write_whole
from potstill.told import Told

OURS_SVG = '<title id="name">Lineage of '


@refused_in_one_line()
def show_lineage(
    bundle: Annotated[Positional[Path], arg(metavar="BUNDLE")],
    svg: Path | None = None,
    html: Path | None = None,
) -> Told:
    """Tell from what, by which stage, options and code every model of a release was made, back to data and teacher.

      potstill lineage runs/bundle
      potstill lineage runs/bundle --html lineage.html --svg lineage.svg

    The text comes always; a picture and a page besides, where they are asked for. Only the evidence is read, and
    nothing is proved of it: potstill verify does that.

    Args:
        bundle: a release or a signed bundle.
        svg: the file for the picture, SVG, for light and dark.
        html: the file for a page that stands alone: the picture, and all that the manifests say.

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
    return Told(text_of(evidence))


def _our_picture(text: str) -> bool:
    return OURS_SVG in text[:10_000]


def _our_page(text: str) -> bool:
    return f'<meta name="generator" content="{MARK}">' in text[:2_000]
