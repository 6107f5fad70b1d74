"""Bill of materials and data sheet name what ships."""

from collections.abc import Iterator

from potstill.evidence.layout import BOM, CROISSANT
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved


def _prove(case: Case) -> Proved:
    return Proved(
        "The bill of materials (CycloneDX) and the data sheet (Croissant) name these very files; made again from the "
        "manifests, both are byte for byte the same.",
        [*_offences(case)],
    )


def _offences(case: Case) -> Iterator[str]:
    for name in (BOM, CROISSANT):
        if case.read(name) != case.papers.get(name):
            yield f"{name} is not what follows from the manifests"


CHECK = Check("papers", "bill of materials and data sheet name what ships", _prove)
