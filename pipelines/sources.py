"""From what a user names (a file, a hub id, a known set) to the sealed folder that a pipeline's importer reads."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.parameters import SOURCES
from potstill.artifacts import CHECKPOINT, DATASET, Artifact, expect, is_sealed
from potstill.data.importing import ImportDataConfig, import_data
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint
from potstill.errors import OptionError

Importer = Callable[[Path], object]


def stage_input(source: str, kind: str, make: Importer, root: Path) -> Artifact:
    """Put a sealed input where both the local runners can read it, in a folder named by its content.

    KFP's local cache keys on the URI and not on bytes; with the digest in the path a changed input is another URI.

    Args:
        source: what the user named; a folder that is sealed already is copied as it is.
        kind: the kind that the pipeline reads.
        make: writes the sealed folder for `source`.
        root: the folder of all staged inputs.

    Returns: the artifact, at root/<first 16 digits of its digest>.
    """
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as temporary:
        made = Path(temporary) / "made"
        if Path(source).is_dir() and is_sealed(Path(source)):
            expect(Path(source), kind)
            shutil.copytree(source, made)
        else:
            make(made)
        artifact = expect(made, kind)
        place = root / artifact.digest[:16]
        if not place.exists():
            made.rename(place)
    return expect(place, kind, digest=artifact.digest)


def _wanted(types: Mapping[str, Any]) -> list[str]:
    return [name for name in SOURCES if f"{name}_uri" in types]


def refuse_lacking(sources: dict[str, str], types: Mapping[str, Any]) -> None:
    """Refuse to begin without a source that the pipeline reads.

    Raises:
        OptionError: nothing is given for one; all are named.
    """
    lacking = [name for name in _wanted(types) if not sources.get(name)]
    if lacking:
        raise OptionError(
            f"nothing is given for {', '.join(lacking)}; pass --{' and --'.join(lacking)} or --params FILE"
        )


def stage_inputs(sources: dict[str, str], types: Mapping[str, Any], root: Path) -> dict[str, Artifact]:
    """Import every source that the pipeline reads.

    Args:
        sources: what the user named, by "data" and "start".
        types: the pipeline's inputs.
        root: the folder of all staged inputs.

    Returns: the artifacts by the same names.
    """
    staged = {}
    for name in _wanted(types):
        print(f"▸ {name}: {sources[name]}", file=sys.stderr)
        staged[name] = _stage_data(sources, root) if name == "data" else _stage_checkpoint(sources, root)
    return staged


def _stage_data(sources: dict[str, str], root: Path) -> Artifact:
    return stage_input(
        sources["data"], DATASET, lambda made: import_data(sources["data"], made, ImportDataConfig()), root
    )


def _stage_checkpoint(sources: dict[str, str], root: Path) -> Artifact:
    source, _, revision = sources["start"].partition("@")
    config = ImportCheckpointConfig(revision=revision or sources.get("revision", ""))
    return stage_input(source, CHECKPOINT, lambda made: import_checkpoint(source, made, config), root)
