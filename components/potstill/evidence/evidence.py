"""What a release says of itself, once it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potstill.artifacts import Artifact
from potstill.evidence.index import Index
from potstill.evidence.layout import DEFINITION_FOLDER, JUDGE, REPORT_FOLDER, RUNNERS
from potstill.evidence.lineage import Lineage

LOCAL = RUNNERS[-1]


@dataclass(frozen=True)
class Evidence:
    """What a release says of itself.

    Attributes:
        folder: the release or the bundle.
        index: what release.json says.
        manifests: every artifact of the lineage by its digest; their `path` is the manifest's file.
        lineage: their order and edges.
        verdict: what verdict.json says.
        verdict_digest: SHA-256 of verdict.json.
        summary: what the report's summary.json says: every figure that comes out the same each time.
        definition: files of the definition: path inside it → SHA-256; empty where none was given.
        parameters: what the run was given, as the definition tells it.
        images: stage → image, as the definition tells it.
        release: in a bundle, the release's own manifest; else None.
    """

    folder: Path
    index: Index
    manifests: Mapping[str, Artifact]
    lineage: Lineage
    verdict: Mapping[str, Any]
    verdict_digest: str
    summary: Mapping[str, Any]
    definition: Mapping[str, str]
    parameters: Mapping[str, Any]
    images: Mapping[str, str]
    release: Artifact | None

    @property
    def report(self) -> Artifact:
        """The sealed report that is released."""
        return self.manifests[self.index.ships[REPORT_FOLDER]]

    @property
    def definer(self) -> Artifact | None:
        """The sealed definition, where one is there."""
        return self.manifests.get(self.index.ships.get(DEFINITION_FOLDER, ""))

    @property
    def declares_runner(self) -> bool:
        """Whether a definition is there and declares where the pipeline runs."""
        return self.definer is not None and "runs_on" in self.definer.made_by["config"]

    @property
    def runs_on(self) -> str:
        """Where the pipeline runs, as its definition declares; nothing proves it. Without a word of it: local."""
        return str(self.definer.made_by["config"]["runs_on"]) if self.definer and self.declares_runner else LOCAL

    def runner_of(self, stage: str) -> str:
        """Say where a stage ran, as the definition declares: validate of a run that is judged again, where that was."""
        config = self.definer.made_by["config"] if self.definer else {}
        return str(config.get("judged_on", self.runs_on)) if stage == JUDGE else self.runs_on

    @property
    def models(self) -> dict[str, Artifact]:
        """Folder → the artifact of the model that it holds."""
        ships = sorted(self.index.ships.items())
        return {folder: self.manifests[digest] for folder, digest in ships if folder.startswith("models/")}
