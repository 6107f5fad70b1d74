"""The files that a release ships are those of its manifests: each one, and no other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from potstill.artifacts import File, compare
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import DEFINITION_FOLDER, ships_file
from potstill.one_line import refused_in_one_line


@refused_in_one_line()
def refuse_other_files(evidence: Evidence, found: Sequence[File]) -> None:
    """Prove that what lies in the folders of models, report and definition was sealed by the stages that made it.

    Args:
        evidence: of the release.
        found: the files of the whole release or bundle, as `scan` found them.

    Raises:
        ArtifactError: files are missing, changed or added.
    """
    ours = [each for each in found if _is_shipped(each.path)]
    compare(evidence.folder, list(shipped_files(evidence)), ours)


def shipped_files(evidence: Evidence) -> Iterator[File]:
    """The files that the manifests say must lie in a release, under their paths there."""
    for folder, digest in sorted(evidence.index.ships.items()):
        for file in evidence.manifests[digest].files:
            if ships_file(file.path):
                yield replace(file, path=f"{folder}/{file.path}")


def _is_shipped(path: str) -> bool:
    return path.startswith(("models/", "report/", f"{DEFINITION_FOLDER}/"))
