"""Single files that a stage writes beside its sealed folder: each is refused before any work where it would harm."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from potstill.errors import ArtifactError
from potstill.output_folder import sealed_around

LARGEST = 64_000_000  # bytes; none of our pages is a tenth of it, and a larger file need not be read to be refused


@dataclass(frozen=True)
class OutputFile:
    """A file to write, and how to tell one that the stage wrote before.

    Attributes:
        path: where it is written.
        ours: tells by the text of a file whether this stage wrote it, so that it may be replaced.
    """

    path: Path
    ours: Callable[[str], bool]


def claim_files(files: Mapping[str, OutputFile], folder: Path) -> None:
    """Refuse files that cannot be written, or would overwrite what the stage did not write; make their folders.

    An empty file may be written: KFP makes one at times for an output to come.

    Args:
        files: by the name of the stage's parameter.
        folder: the stage's sealed output, which they must not lie in.

    Raises:
        ArtifactError: every offending file, in one line.
    """
    offences = [f"{name} {each.path} {why}" for name, each in files.items() if (why := _why_not(each, folder))]
    offences += _twice(files)
    if offences:
        raise ArtifactError(f"{'; '.join(offences)}; pass other files for the output")
    for name, each in files.items():
        _make_room(name, each.path)


def write_whole(path: Path, text: str) -> None:
    """Write a text so that nobody ever sees a part of it: beside its place first, then in one step into it.

    Raises:
        OSError: it cannot be written; what stood there stays.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            part.write_text(text, encoding="utf-8", newline="\n")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as failed:
        raise OSError(failed.errno, failed.strerror, str(path)) from failed  # nobody knows the part by its name


def _why_not(file: OutputFile, folder: Path) -> str:
    path, out = file.path.resolve(), folder.resolve()
    around = sealed_around(path)
    if around:
        return f"lies inside {around}, which is sealed and would be broken"
    if out == path or out in path.parents or path in out.parents:
        return f"and the folder {folder} cannot both be written"
    if path.is_dir() or (path.exists() and not path.is_file()):
        return "is not a plain file"
    return "" if _may_be_replaced(path, file.ours) else "is a file that potstill did not write"


def _may_be_replaced(path: Path, ours: Callable[[str], bool]) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return True
    if path.stat().st_size > LARGEST:
        return False
    try:
        return ours(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return False


def _twice(files: Mapping[str, OutputFile]) -> list[str]:
    places: dict[Path, list[str]] = {}
    for name, each in files.items():
        places.setdefault(each.path.resolve(), []).append(name)
    return [f"{' and '.join(names)} are one file, {place}" for place, names in places.items() if len(names) > 1]


def _make_room(name: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise ArtifactError(f"{name} {path} cannot be written ({refused.strerror}); pass another file") from refused
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ArtifactError(f"{name} {path} may not be written; pass another file")
