"""The files that ship are those of the artifacts that they are said to be."""

from collections.abc import Iterator

from potstill.artifacts import MANIFEST, SIGNATURE
from potstill.errors import ArtifactError
from potstill.evidence.layout import (
    ATTESTATIONS,
    BOM,
    CARD,
    CROISSANT,
    FIGURES,
    INDEX,
    MANIFESTS,
    PAGE,
    STATEMENTS,
    VERDICT,
)
from potstill.evidence.shipped import refuse_other_files, shipped_files
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved

ROOT = (CARD, VERDICT, INDEX, PAGE, FIGURES, BOM, CROISSANT, MANIFEST, SIGNATURE)
FOLDERS = (f"{MANIFESTS}/", f"{STATEMENTS}/", f"{ATTESTATIONS}/")


def _prove(case: Case) -> Proved:
    shipped = [f"{folder} is {digest}" for folder, digest in sorted(case.evidence.index.ships.items())]
    wrong = [*_sealed_otherwise(case), *_unknown(case)]
    return Proved("The files that ship are, byte for byte, those that the stages sealed:", wrong, shipped)


def _sealed_otherwise(case: Case) -> Iterator[str]:
    try:
        refuse_other_files(case.evidence, list(case.listing.files.values()))
    except ArtifactError as refused:
        yield str(refused)


def _unknown(case: Case) -> Iterator[str]:
    """A signed file that is no part of a bundle: nothing tells where it comes from."""
    ours = {file.path for file in shipped_files(case.evidence)} | set(ROOT)
    for name in sorted(case.listing.sizes):
        if name not in ours and not name.startswith(FOLDERS):
            yield f"{name} is no part of a bundle; nothing tells where it comes from"
    yield from (f"{name} is missing" for name in ROOT if name not in case.listing.sizes)


CHECK = Check("shipped", "the files that ship are those of the artifacts that they are said to be", _prove)
