"""Every artifact is what its stage makes, of what its stage cannot do without."""

from collections.abc import Iterator

from potstill.artifacts import Artifact
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import DEFINER, IMPORTS, KIND_OF, STAGES

ROOTS = (*IMPORTS, DEFINER)


def made_otherwise(evidence: Evidence) -> Iterator[str]:
    """Name every artifact that its stage cannot have made, a line each offence.

    Args:
        evidence: of a release or a bundle.
    """
    for digest in evidence.lineage.order:
        artifact = evidence.manifests[digest]
        name = f"{artifact.kind} {digest} of {artifact.made_by['stage']}"
        yield from (f"{name} {offence}" for offence in (*_of_stage(artifact), *_of_inputs(artifact, evidence)))


def _of_stage(artifact: Artifact) -> Iterator[str]:
    stage = artifact.made_by["stage"]
    if stage not in STAGES:
        yield f"was made by no stage that makes artifacts; these are {', '.join(STAGES)}"
        return
    known = STAGES[stage]
    if artifact.kind != known.kind:
        yield f"is not what that stage makes, which is {known.kind}"
    lost = [each for each in known.reads if each not in artifact.inputs]
    if lost:
        yield f"was made without {', '.join(lost)}, and that stage cannot do without"
    if stage in ROOTS and artifact.inputs:
        yield f"was made from {', '.join(sorted(artifact.inputs))}, and that stage reads no artifact"
    if not artifact.files:
        yield "has no file"


def _of_inputs(artifact: Artifact, evidence: Evidence) -> Iterator[str]:
    for name, parent in sorted(artifact.inputs.items()):
        wanted, found = KIND_OF.get(name.partition("[")[0]), evidence.manifests[parent].kind
        if wanted and found != wanted:
            yield f"read {found} as {name}; wanted there is {wanted}"
