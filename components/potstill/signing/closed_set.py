"""The files of a folder as a closed set: all of them, hidden ones too, and nothing that is no plain file."""

from collections.abc import Mapping
from pathlib import Path

from potstill.artifacts import SIGNATURE, below, sha256_of
from potstill.errors import ArtifactError
from potstill.one_line import one_line


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 (hex) of every file below a folder by its path, the signature at the root left out.

    Raises:
        ArtifactError: no folder; or a symbolic link, an empty folder, one that cannot be listed, or anything else that
            is not a plain file or folder in it.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise ArtifactError(one_line(f"{folder} is not a folder"))
    found, strange = {}, []
    for each in below(folder):
        name = each.relative_to(folder).as_posix()
        if _is_plain(each) and name != SIGNATURE:
            found[name] = sha256_of(each)
        elif not _is_plain(each) and not _holds_something(each):
            strange.append(name)
    if strange:
        listed = ", ".join(sorted(strange))
        raise ArtifactError(one_line(f"{folder} holds what is neither a plain file nor a folder of such: {listed}"))
    return found


def compare_files(folder: object, signed: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Prove that the files that lie in a folder are those that were signed.

    Args:
        folder: how messages call the place.
        signed: the digests that the signature tells, by path.
        found: the digests of the files, as `file_digests` tells them.

    Raises:
        ArtifactError: every file that is missing, changed or added.
    """
    offences = [f"missing {name}" for name in sorted(signed.keys() - found.keys())]
    offences += [f"extra {name}" for name in sorted(found.keys() - signed.keys())]
    offences += [f"changed {name}" for name in sorted(signed.keys() & found.keys()) if signed[name] != found[name]]
    if offences:
        raise ArtifactError(one_line(f"{folder} is not what was signed: {', '.join(offences)}; fetch it again"))


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _holds_something(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and any(below(path))
