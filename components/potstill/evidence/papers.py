"""Everything in a release that follows from its evidence alone: whoever doubts it makes it again."""

from collections.abc import Iterator, Mapping

from potstill.errors import ArtifactError
from potstill.evidence.bom import bom_of
from potstill.evidence.croissant import croissant_of
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import BOM, CROISSANT, STATEMENTS, statement_path
from potstill.evidence.potstills import made_elsewhere
from potstill.evidence.reading import files_inside
from potstill.evidence.statements import statements_of


def papers_of(evidence: Evidence) -> dict[str, bytes]:
    """Make Statements, bill of materials and data sheet.

    Args:
        evidence: of a release or a bundle.

    Returns: path in the release → bytes.
    """
    statements = {statement_path(stem): data for stem, data in statements_of(evidence).items()}
    return {**statements, BOM: bom_of(evidence), CROISSANT: croissant_of(evidence)}


def refuse_other_papers(evidence: Evidence) -> Mapping[str, bytes]:
    """Make the papers again, and prove that those in the folder are the same.

    Args:
        evidence: of a release or a bundle, with its folder.

    Returns: what was made, path → bytes.

    Raises:
        ArtifactError: a paper that is not there, of other bytes, or that nobody would make; all of them are named.
    """
    wanted = papers_of(evidence)
    there = set(_papers_in(evidence))
    offences = [f"missing {path}" for path in sorted(wanted.keys() - there)]
    offences += [f"extra {path}" for path in sorted(there - wanted.keys())]
    both = sorted(wanted.keys() & there)
    offences += [f"changed {path}" for path in both if (evidence.folder / path).read_bytes() != wanted[path]]
    if offences:
        raise ArtifactError(
            f"{made_elsewhere(evidence.folder)}; {evidence.folder} holds papers that do not follow from its evidence: "
            f"{', '.join(offences)}; read it with the potstill that made it, or make the release again"
        )
    return wanted


def _papers_in(evidence: Evidence) -> Iterator[str]:
    yield from (path for path in (BOM, CROISSANT) if (evidence.folder / path).is_file())
    for each in files_inside(evidence.folder, STATEMENTS):
        yield each.relative_to(evidence.folder).as_posix()
