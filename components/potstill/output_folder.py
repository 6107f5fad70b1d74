"""Where a stage writes: an empty folder that is its own alone, and never at the cost of anything that is a user's."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from potstill.artifacts import BUNDLE, MANIFEST, SIGNATURE, UNSEALED, below, is_sealed, read_manifest
from potstill.errors import ArtifactError
from potstill.exclusive import exclusive

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # as a path it has lost its second slash


@contextmanager
def creating(path: Path, kind: str, *read: Path | None) -> Iterator[Path]:
    """Give an empty folder to fill; only `seal` makes it whole.

    A folder that potstill began before is emptied first (retries of a step share one folder), and so is a sealed one
    of the same kind that holds the files of its manifest and no other. Anything else is refused, so that no option can
    delete a user's files. When the work fails, the folder goes; only a kill leaves it, unsealed.

    Args:
        path: the output folder.
        kind: what is to be sealed in it, one of KINDS.
        read: what the work reads; emptying one of them would destroy it.

    Raises:
        ArtifactError: the folder is none, cannot be written, holds what must not be replaced, is read or lies in what
            is sealed, or another process is writing it.
    """
    _refuse_place(path, read)
    _refuse_contents(path, kind)
    began = not (path / UNSEALED).exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise ArtifactError(f"{path} cannot be written ({refused.strerror}); pass a folder that can") from refused
    with exclusive(path / UNSEALED, path):
        _empty(path, kind, began=began)
        try:
            yield path
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise


def discard(path: Path, kind: str) -> None:
    """Delete what potstill made earlier, by the rules of `creating`; where nothing is, nothing is done.

    Args:
        path: the folder.
        kind: what is sealed in it, one of KINDS.

    Raises:
        ArtifactError: it holds what must not be deleted.
    """
    if path.exists():
        _refuse_place(path, ())
        _refuse_contents(path, kind)
        shutil.rmtree(path)


def _refuse_place(path: Path, read: tuple[Path | None, ...]) -> None:
    if URI.match(str(path)):
        raise ArtifactError(f"{path} is no folder of this machine; pass one, and copy it to the store afterwards")
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ArtifactError(f"{path} is not a folder; pass a new or an empty folder for the output")
    inputs = [each.resolve() for each in read if each is not None]
    if any(path.resolve() in (each, *each.parents) for each in inputs):
        raise ArtifactError(f"{path} is read and written at once; pass another folder for the output")
    around = sealed_around(path)
    if around:
        raise ArtifactError(
            f"{path} lies inside {around}, which is sealed and would be broken; pass a folder outside it"
        )


def sealed_around(path: Path) -> Path | None:
    """Return the sealed folder that a path lies in, at any depth; None where there is none."""
    return next((parent for parent in path.resolve().parents if is_sealed(parent)), None)


def _refuse_contents(path: Path, kind: str) -> None:
    """Refuse a folder that holds another kind, or a file that potstill did not write.

    An unfinished folder has no list of what is ours in it: its marker alone says that potstill was at work there.
    """
    found = [each for each in below(path) if each.is_symlink() or not each.is_dir()] if path.is_dir() else []
    if not is_sealed(path):
        if found and not (path / UNSEALED).exists():
            raise ArtifactError(f"{path} holds files that potstill did not write; pass a new or an empty folder")
        return
    sealed = read_manifest(path)
    if sealed.kind != kind:
        raise ArtifactError(f"{path} holds {sealed.kind}, which {kind} would replace; pass another folder")
    ours = {MANIFEST, UNSEALED, *(file.path for file in sealed.files)}
    if kind == BUNDLE:
        ours.add(SIGNATURE)
    strange = sorted({each.relative_to(path).as_posix() for each in found} - ours)
    if strange:
        raise ArtifactError(
            f"{path} holds files that potstill did not write: {', '.join(strange[:3])}"
            f"{f' and {len(strange) - 3} more' if len(strange) > 3 else ''}; move them, or pass another folder"
        )


def _empty(path: Path, kind: str, *, began: bool) -> None:
    """Delete all but the marker. What lies there may have changed before the lock was held, so it is judged again."""
    try:
        _refuse_contents(path, kind)
    except ArtifactError:
        if began:  # the marker is this call's; with it, the folder would look unfinished
            (path / UNSEALED).unlink()
        raise
    for each in path.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != UNSEALED:
            each.unlink()
