"""The slim base that every image begins with: a locked one from a registry, or Debian's own packages.

Where no registry answers, mmdebstrap puts the base together: Debian 12's essential packages, Python 3.11 and the
certificates, without manuals and translations. The same packages give the same bytes (SOURCE_DATE_EPOCH).
"""

import os
import shutil
import subprocess
from pathlib import Path

from images.lock_files import BASE_LOCK, read_base
from images.programs import SAME_BYTES, insecure, refusal_of, require
from potstill.errors import InputError
from potstill.progress import tell

DEBIAN = "bookworm"
NAME = f"localhost/potstill/base:{DEBIAN}"  # and the processor
RECIPE = Path(__file__).with_name("base.Containerfile")
PACKAGES = "python3,ca-certificates,libstdc++6,usr-is-merged"
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"  # without it usrmerge brings 50 MB of Perl
LEFT_OUT = ("path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/doc/*")
KEPT = "path-include=/usr/share/doc/*/copyright"  # licences go with what they license


def base_for(wanted: str, arch: str, folder: Path, *, fresh: bool = False, released: bool = False) -> str:
    """Return a base that the engine can begin with, made or pulled.

    Args:
        wanted: "auto", "debian" or a reference. "auto" is the one of base.lock.json if its registry answers, else
            Debian's.
        arch: of the processor, amd64 or arm64.
        folder: where Debian's packages are put together.
        fresh: put them together anew.
        released: what is built will be pushed, so a locked base must be taken, and no other.

    Raises:
        InputError: it can be neither pulled nor made.
    """
    if wanted not in ("auto", "debian"):
        return wanted
    if wanted == "auto" and BASE_LOCK.is_file():
        pinned = read_base(BASE_LOCK).pinned
        if refusal := refusal_of("buildah", "pull", "--quiet", f"--arch={arch}", *insecure(pinned), pinned):
            if released:
                raise InputError(
                    f"{pinned} cannot be pulled ({refusal}); what is pushed begins with the locked base alone"
                )
            tell(f"{pinned} cannot be pulled ({refusal}); taking Debian's packages instead")
        else:
            return pinned
    return _made_of_debian(arch, folder / arch, fresh=fresh)


def _made_of_debian(arch: str, folder: Path, *, fresh: bool) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    archive, name = folder / "base.tar", f"{NAME}-{arch}"
    if fresh or not archive.is_file():
        tell("putting the base together from Debian's packages")
        _bootstrap(arch, archive)
    command = ("bud", *SAME_BYTES, f"--arch={arch}", f"--file={RECIPE}", f"--tag={name}")
    try:
        require("buildah", *command, str(folder))
    except InputError:
        archive.unlink()  # it may be broken, and is made anew the next time
        raise
    return name


def _bootstrap(arch: str, archive: Path) -> None:
    if not shutil.which("mmdebstrap"):
        raise InputError("no base image can be pulled and mmdebstrap is not installed; apt-get install mmdebstrap")
    part = archive.with_suffix(".part")
    options = [f"--dpkgopt={each}" for each in (*LEFT_OUT, KEPT)]
    where = ("--variant=essential", "--components=main", f"--architectures={arch}", f"--hook-dir={MERGED}")
    command = ["mmdebstrap", "--quiet", "--format=tar", *where, f"--include={PACKAGES}", *options, DEBIAN, str(part)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "0"}
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if made.returncode:
        said = (made.stderr.strip().splitlines() or ["no word"])[-1]
        raise InputError(
            f"mmdebstrap failed ({said}); does its mirror answer? Packages of another processor need QEMU (binfmt_misc)"
        )
    part.rename(archive)
