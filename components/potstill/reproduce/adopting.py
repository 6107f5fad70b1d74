"""A folder with the very files of an artifact becomes that artifact: it gets the manifest of the evidence."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from potstill.artifacts import MANIFEST, UNSEALED, Artifact
from potstill.output_folder import creating


def copy_as(wanted: Artifact, source: Path, folder: Path) -> None:
    """Copy the files of an artifact, and seal them with its manifest.

    Args:
        wanted: the artifact; its `path` is the evidence's file of the manifest.
        source: a folder with the same files.
        folder: where the copy is made.
    """
    with creating(folder, wanted.kind, source):
        for file in wanted.files:
            place = folder / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file.path, place)
        adopt(wanted, folder)


def adopt(wanted: Artifact, folder: Path) -> None:
    """Give a folder the manifest of the evidence; that the files are those of the manifest is known already."""
    unfinished = folder / f"{MANIFEST}.part"
    shutil.copyfile(wanted.path, unfinished)
    unfinished.replace(folder / MANIFEST)
    (folder / UNSEALED).unlink(missing_ok=True)


def note(folder: Path, told: Sequence[str]) -> None:
    """Write down beside a folder in what it differed before it got the manifest of the evidence."""
    _note_of(folder).write_text(json.dumps(list(told), ensure_ascii=False) + "\n", encoding="utf-8")


def noted(folder: Path) -> tuple[str, ...] | None:
    """Return what was written down beside a folder; None: it came out equal by itself."""
    path = _note_of(folder)
    return tuple(map(str, json.loads(path.read_text(encoding="utf-8")))) if path.is_file() else None


def forget(folder: Path) -> None:
    """Take back what was written down, before the folder is made again."""
    _note_of(folder).unlink(missing_ok=True)


def _note_of(folder: Path) -> Path:
    return folder.with_suffix(".alike.json")
