"""A release out of a store into a folder, which appears whole and proved, or not at all."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from potstill.artifacts import BUNDLE, MANIFEST, Artifact, File, expect, is_sealed, read_manifest, sha256_of
from potstill.errors import ArtifactError, InputError, PotstillError
from potstill.evidence.index import read_index
from potstill.evidence.layout import INDEX
from potstill.exclusive import exclusive
from potstill.output_folder import sealed_around
from potstill.publish.blobs import bring
from potstill.publish.file_list import load_file_list
from potstill.publish.pointer import Pointer, refuse_other_index
from potstill.publish.side_by_side import side_by_side
from potstill.sizes import in_units
from potstill.store.place import Place


def fetch_bundle(place: Place, pointer: Pointer, out: Path, prove: Callable[[Path], object]) -> Artifact:
    """Fetch a bundle.

    It grows in a hidden folder beside `out`, and moves there in one step when every byte has the digest that the list
    says, and `prove` has let it through. A fetch that was killed, or broke off, leaves that folder; the next one goes
    on with it, and believes of it only what it digests again. Of a bundle that was refused nothing is left.

    Args:
        place: the store.
        pointer: which bundle.
        out: a folder that is not there, or empty, or holds this very bundle.
        prove: raises where the bundle is not to be used.

    Raises:
        ArtifactError: the store does not hold the bundle whole, or it is not proved, or `out` holds something else.
        InputError: the store refuses, or the disk has no room.
    """
    manifest, bundle = load_file_list(place, pointer.bundle)
    if _is_there(out, pointer):
        prove(out)
        return expect(out, BUNDLE, digest=pointer.bundle)
    files = [*bundle.files, pointer.signature]
    wanted = {each.path: each for each in files}
    with _workshop(out) as folder:
        growing, parts = folder / "bundle", folder / "parts"
        _remove_strangers(growing, lambda path: _is(growing / path, wanted.get(path)))
        _remove_strangers(parts, lambda path: "/" not in path)
        _refuse_no_room(folder, files)
        side_by_side(lambda each: _bring(place, each, growing, parts), _by_digest(files, growing), "fetching")
        try:
            refuse_other_index(pointer, read_index((growing / INDEX).read_bytes()), place.uri)
            _finish(growing, manifest, prove)
        except PotstillError:  # all of it came, and it is not to be used: no second fetch would make it better
            shutil.rmtree(folder)
            raise
        growing.replace(out)
        shutil.rmtree(folder)
    return bundle


def _finish(growing: Path, manifest: bytes, prove: Callable[[Path], object]) -> None:
    """Seal the folder and have it proved; where this is broken off, nothing is left that looks whole."""
    (growing / MANIFEST).write_bytes(manifest)
    try:
        expect(growing, BUNDLE)
        prove(growing)
    except BaseException:
        (growing / MANIFEST).unlink()
        raise


def _is_there(out: Path, pointer: Pointer) -> bool:
    """Tell whether the bundle is there already; refuse a folder that holds anything else."""
    around = sealed_around(out)
    if around:
        raise ArtifactError(
            f"{out} lies inside {around}, which is sealed and would be broken; pass a folder outside it"
        )
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ArtifactError(f"{out} is not a folder; pass a new or an empty folder")
    if out.is_mount() or out.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise ArtifactError(f"{out} is a mount, or the folder in which this runs; pass a new folder in it")
    if not out.exists() or not any(out.iterdir()):
        return False
    signature = out / pointer.signature.path
    same = is_sealed(out) and read_manifest(out).digest == pointer.bundle
    if same and signature.is_file() and sha256_of(signature) == pointer.signature.sha256:
        return True
    raise ArtifactError(f"{out} holds something else than this release; pass a new or an empty folder")


@contextmanager
def _workshop(out: Path) -> Iterator[Path]:
    """The folder beside `out` in which it grows, for one process at a time."""
    folder = out.absolute().parent / f".{out.name}.fetching"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise ArtifactError(f"{out} cannot be written ({refused.strerror}); pass a folder that can") from refused
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():  # links in it could lead anywhere
        raise ArtifactError(f"{folder} is not a folder of this user; delete it, or pass another folder for the release")
    with exclusive(folder / "lock", out):
        yield folder


def _remove_strangers(folder: Path, stays: Callable[[str], bool]) -> None:
    """Leave of an earlier fetch only plain files that may stay, and no link."""
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(exist_ok=True)
    for each in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        if each.is_dir() and not each.is_symlink():
            if not any(each.iterdir()):
                each.rmdir()
        elif each.is_symlink() or not each.is_file() or not stays(each.relative_to(folder).as_posix()):
            each.unlink()


def _is(path: Path, file: File | None) -> bool:
    return file is not None and path.stat().st_size == file.bytes and sha256_of(path) == file.sha256


def _refuse_no_room(folder: Path, files: list[File]) -> None:
    there = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    wanted, free = sum(each.bytes for each in files) - there, shutil.disk_usage(folder).free
    if wanted > free:
        raise InputError(
            f"{folder.parent} has {in_units(free)} free, and {in_units(wanted)} are to come; free some space, or "
            "pass a folder on another disk"
        )


def _by_digest(files: list[File], growing: Path) -> list[list[File]]:
    """Files that are not there yet, those of equal bytes together: they are fetched once."""
    found: dict[str, list[File]] = {}
    for each in files:
        if not (growing / each.path).exists():
            found.setdefault(each.sha256, []).append(each)
    return list(found.values())


def _bring(place: Place, equal: list[File], growing: Path, parts: Path) -> None:
    part = parts / equal[0].sha256
    bring(place, equal[0], part)
    for each in equal:
        (growing / each.path).parent.mkdir(parents=True, exist_ok=True)
    for each in equal[1:]:
        shutil.copyfile(part, growing / each.path)
    part.replace(growing / equal[0].path)
