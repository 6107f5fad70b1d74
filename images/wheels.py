"""The wheelhouse: every locked wheel of the images, and potstill's own, fetched once, before any image is built.

The builds themselves then need no network, on a machine with a package index of its own as on any other: pip's own
configuration says where wheels come from, and the locks say by hash which.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from images.families import Family
from potstill.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "images" / "locks"
PYTHON = "3.11"
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
NEWEST_GLIBC = 36  # 2.36, of Debian 12
OLDEST_GLIBC = 5
ZIP_EPOCH = "315532800"  # 1980, the first year that a zip file knows
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "images.lock.json", "*.egg-info")  # no image can name its own digest


def locks_of(family: Family, torch: str) -> list[Path]:
    """List the files that pin what an image of a family holds.

    Args:
        family: a row of the table.
        torch: which build of PyTorch, cpu or cuda.
    """
    return [LOCKS / f"{family.name}.txt", *([ROOT / "requirements" / f"torch-{torch}.txt"] if family.torch else [])]


def fetch_wheels(families: Iterable[Family], arch: str, torch: str, folder: Path) -> None:
    """Fetch every wheel that images of these families hold; those that are there already stay.

    Args:
        families: rows of the table.
        arch: of the processor, a key of MACHINES.
        torch: cpu or cuda.
        folder: the wheelhouse.

    Raises:
        InputError: pip cannot fetch them; its own words are on stderr.
    """
    platforms = [*(f"manylinux_2_{minor}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)), "manylinux2014"]
    tags = [f"{each}_{MACHINES[arch]}" for each in (*platforms, "linux")]
    target = [argument for tag in tags for argument in ("--platform", tag)]
    lists = dict.fromkeys([LOCKS / "pip.txt", *(lock for each in families for lock in locks_of(each, torch))])
    wanted = [argument for lock in lists for argument in ("--requirement", str(lock))]
    exactly = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--python-version", PYTHON, *target)
    _pip("download", "--quiet", "--dest", str(folder), *exactly, *wanted)


def build_potstill(folder: Path) -> Path:
    """Build potstill's own wheel into the wheelhouse, without what is not part of it; return the file.

    Raises:
        InputError: it cannot be built.
    """
    for old in folder.glob("potstill-*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "potstill"
        shutil.copytree(ROOT / "components", source / "components", ignore=LEFT_OUT)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy2(ROOT / name, source)
        dated = os.environ | {"SOURCE_DATE_EPOCH": ZIP_EPOCH}  # else each checkout's own times are in it
        flags = ("--quiet", "--no-deps", "--no-build-isolation", "--no-cache-dir")
        _pip("wheel", *flags, "--wheel-dir", str(folder), str(source), environment=dated)
    return next(folder.glob("potstill-*.whl"))


def _pip(*arguments: str, environment: Mapping[str, str] | None = None) -> None:
    if subprocess.run([*PIP, *arguments], env=environment, check=False).returncode:
        raise InputError(f"pip {arguments[0]} failed; its message is above")
