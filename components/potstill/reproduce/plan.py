"""What of a lineage is run again, and what is given: data, starting checkpoints, measured milliseconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import DEFINITION, LATENCY, Artifact
from potstill.commands import STAGES
from potstill.errors import ArtifactError
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import IMPORTS
from potstill.lineage.outputs import OUTPUTS
from potstill.lineage.shown import shown

DIGITS = 12  # of a digest, in what is told


@dataclass(frozen=True)
class Plan:
    """The work of a reproduction.

    Attributes:
        evidence: of the release.
        given: artifacts that nothing here can make: their digests are looked for.
        made: artifacts whose stages are run again, each after all that it reads.
        carried: artifacts that the release holds whole; nothing computes them.
    """

    evidence: Evidence
    given: tuple[Artifact, ...]
    made: tuple[Artifact, ...]
    carried: tuple[Artifact, ...]

    @property
    def every(self) -> Iterator[Artifact]:
        """All artifacts, ancestors first."""
        return (self.evidence.manifests[digest] for digest in self.evidence.lineage.order)

    def folder_of(self, artifact: Artifact, out: Path) -> Path:
        """Say where an artifact is made: numbered in the order of the making."""
        number = self.evidence.lineage.order.index(artifact.digest) + 1
        return out / f"{number:02d}-{stage_of(artifact)}"


def plan_of(evidence: Evidence) -> Plan:
    """Divide a lineage into what is given and what is run again.

    Raises:
        ArtifactError: a stage that potstill does not have; all of them are named.
    """
    every = [evidence.manifests[digest] for digest in evidence.lineage.order]
    carried = tuple(each for each in every if each.kind == DEFINITION)
    given = tuple(each for each in every if stage_of(each) in IMPORTS or each.kind == LATENCY)
    made = tuple(each for each in every if each not in (*carried, *given))
    unknown = sorted({stage_of(each) for each in made if not _is_known(stage_of(each))})
    if unknown:
        raise ArtifactError(
            f"{', '.join(map(shown, unknown))} is no stage that potstill can run again; "
            f"stages are: {', '.join(each for each in OUTPUTS if _is_known(each))}"
        )
    return Plan(evidence, given, made, carried)


def stage_of(artifact: Artifact) -> str:
    """Return what made an artifact."""
    return str(artifact.made_by["stage"])


def named(artifact: Artifact) -> str:
    """Name an artifact in a line: its stage, and the beginning of its digest."""
    return f"{stage_of(artifact)} {artifact.digest[:DIGITS]}"


def _is_known(stage: str) -> bool:
    return stage in STAGES and stage in OUTPUTS
