"""Bill of materials and data sheet name what ships."""

from collections.abc import Iterator

from potstill.evidence.layout import BOM, CROISSANT
from potstill.evidence.potstills import made_elsewhere
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved, gathered


def _prove(case: Case) -> Proved:
    return Proved(
        "The bill of materials (CycloneDX) and the data sheet (Croissant) name these very files; made again from the "
        "manifests, both are byte for byte the same.",
        gathered(_of_paper(case, BOM), _of_paper(case, CROISSANT)),
    )


def _of_paper(case: Case, name: str) -> Iterator[str]:
    if case.papers.get(name) != case.read(name):
        yield f"{made_elsewhere(case.folder)}; {name} is not what follows from the manifests"


CHECK = Check("papers", "bill of materials and data sheet name what ships", _prove)
