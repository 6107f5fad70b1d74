"""What is proved before anything is signed: the signer takes no stage's word, and computes every digest again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import KINDS, RELEASE, Artifact, expect
from potstill.errors import ArtifactError
from potstill.evidence.card import carries_banner
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import CARD, FIGURES, INDEX, PAGE, REPORT_FOLDER, VERDICT, manifest_path
from potstill.evidence.names import name_offences
from potstill.evidence.papers import refuse_other_papers
from potstill.evidence.shipped import refuse_other_files, shipped_files
from potstill.evidence.statements import statements_of
from potstill.evidence.whole import evidence_of
from potstill.one_line import one_line
from potstill.release.inputs import read_papers
from potstill.release.judged_again import refuse_other_verdict

OWN = (CARD, VERDICT, INDEX, PAGE, FIGURES)  # files of a release that no other artifact holds


@dataclass(frozen=True)
class Proved:
    """A release that may be signed.

    Attributes:
        sealed: its folder, each file read again.
        evidence: what it says of itself.
        statements: the in-toto Statements that follow from it, by their stem; made again here.
        recomputed: artifacts of the lineage that were read again, file by file.
    """

    sealed: Artifact
    evidence: Evidence
    statements: Mapping[str, bytes]
    recomputed: int


def prove(release: Path, digest: str, ancestors: Sequence[Path]) -> Proved:
    """Compute again all that a release claims.

    Args:
        release: the folder.
        digest: that the release must have; empty is any.
        ancestors: artifacts of the lineage, as they lie in storage.

    Raises:
        ArtifactError: a file, its name, a digest, an edge or a paper that is not what it should be, or an artifact
            that is not of the release.
        InputError: evidence that cannot be read as such, or a verdict that does not follow from the figures.
    """
    sealed = expect(release, RELEASE, digest=digest)
    _refuse_names(sealed)
    evidence = evidence_of(release)
    refuse_other_files(evidence, sealed.files)
    papers = refuse_other_papers(evidence)
    _refuse_strange_files(sealed, evidence, papers)
    _refuse_other_claims(sealed, evidence)
    beside = read_papers(release / VERDICT, release / FIGURES, release / PAGE, release / CARD, evidence.report)
    refuse_other_verdict(beside, release / REPORT_FOLDER)
    return Proved(sealed, evidence, statements_of(evidence), _recompute(ancestors, evidence))


def _refuse_names(sealed: Artifact) -> None:
    """Refuse names that verify refuses, by the same rule: nobody could use what is signed."""
    offences = list(name_offences(each.path for each in sealed.files))
    if offences:
        raise ArtifactError(
            one_line(f"{sealed.path} cannot be signed: {'; '.join(offences)}; rename, and release it anew")
        )


def _refuse_strange_files(sealed: Artifact, evidence: Evidence, papers: Iterable[str]) -> None:
    """Refuse a file that nothing in the evidence asks for, sealed though it is: a signature would vouch for it."""
    known = {*OWN, *papers, *(manifest_path(each) for each in evidence.manifests)}
    known.update(file.path for file in shipped_files(evidence))
    offences = [f"missing {path}" for path in OWN if path not in {file.path for file in sealed.files}]
    offences += [f"extra {file.path}" for file in sealed.files if file.path not in known]
    if offences:
        raise ArtifactError(f"{sealed.path} is not laid out as a release: {', '.join(offences)}; make it again")


def _refuse_other_claims(sealed: Artifact, evidence: Evidence) -> None:
    """Hold the release's own manifest and card to its index."""
    index, offences = evidence.index, []
    if evidence.release is not None:
        offences.append("it holds another release's manifest")
    if set(sealed.inputs.values()) != set(evidence.manifests):
        offences.append("its inputs are not the artifacts that it tells of")
    if sealed.licence != index.licence:
        offences.append(f"its manifest and {INDEX} have different licences")
    if not carries_banner((sealed.path / CARD).read_text(encoding="utf-8", errors="replace"), index):
        offences.append(f"{CARD} does not begin with its licence and verdict")
    if offences:
        raise ArtifactError(f"{sealed.path} contradicts itself: {'; '.join(offences)}; make the release again")


def _recompute(ancestors: Sequence[Path], evidence: Evidence) -> int:
    """Read artifacts of the lineage from their bytes; return how many different ones they were."""
    found = [expect(each, *KINDS) for each in ancestors]
    strange = [f"{each.path} ({each.kind} {each.digest})" for each in found if each.digest not in evidence.manifests]
    if strange:
        raise ArtifactError(
            f"{evidence.folder} was not made from {', '.join(strange)}; what lies there is not what was released"
        )
    return len({each.digest for each in found})
