"""From what a user names (a file, a hub id, a known set) to the sealed folder that a pipeline's importer reads."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from potstill.artifacts import Artifact, expect, is_sealed

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
