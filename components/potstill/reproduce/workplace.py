"""Where a reproduction works: a folder that is kept and taken up again, or one that goes when all is told."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from potstill.artifacts import MANIFEST
from potstill.errors import ArtifactError
from potstill.exclusive import exclusive
from potstill.output_folder import URI, sealed_around

MARKER = "reproduce.json"  # says what is reproduced in the folder
LOCK = ".reproducing"


@contextmanager
def workplace(out: Path | None, release: str, *, keep: bool) -> Iterator[Path]:
    """Give a folder to work in, to nobody else at the same time.

    Args:
        out: the folder, which is kept; None: a temporary one.
        release: digest of the index of what is reproduced; a folder of another one is refused.
        keep: keep the temporary one, too.

    Raises:
        ArtifactError: the folder holds something else, or is worked in.
    """
    folder = Path(tempfile.mkdtemp(prefix="potstill-reproduce-")) if out is None else out
    try:
        if out is not None:
            _claim(out, release)
        with exclusive(folder / LOCK, folder):
            (folder / MARKER).write_text(json.dumps({"reproduces": release}) + "\n", encoding="utf-8")
            try:
                yield folder
            finally:
                (folder / LOCK).unlink(missing_ok=True)
    finally:
        if out is None and not keep:
            shutil.rmtree(folder, ignore_errors=True)


def refuse_workplace(out: Path | None, release: str) -> None:
    """Refuse a folder to work in before anything else takes time; nothing is made or changed.

    Args:
        out: the folder; None: a temporary one, which is always good.
        release: digest of the index of what is reproduced.

    Raises:
        ArtifactError: the folder holds something else, lies in what is sealed, or cannot be written.
    """
    if out is None:
        return
    around = sealed_around(out) or (out if (out / MANIFEST).exists() else None)
    if around or URI.match(str(out)):
        why = f"lies in {around}, which is sealed and would be broken" if around else "is no folder of this machine"
        raise ArtifactError(f"{out} {why}; pass another folder for --out")
    if out.exists() and not out.is_dir():
        raise ArtifactError(f"{out} is not a folder; pass a new or an empty one for --out")
    if out.is_dir() and any(out.iterdir()):
        _refuse_another(out, release)
    there = next(each for each in (out, *out.absolute().parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ArtifactError(f"{out} cannot be written, as {there} may not be; pass a folder that can for --out")


def _claim(out: Path, release: str) -> None:
    refuse_workplace(out, release)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise ArtifactError(f"{out} cannot be written ({refused.strerror}); pass a folder that can") from refused


def _refuse_another(out: Path, release: str) -> None:
    try:
        found = json.loads((out / MARKER).read_bytes())["reproduces"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ArtifactError(
            f"{out} holds what no reproduction wrote; pass a new or an empty folder for --out"
        ) from None
    if found != release:
        raise ArtifactError(f"{out} holds the reproduction of another release; pass another folder for --out")
