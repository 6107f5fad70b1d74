"""The file system of an image in small, made of real metadata, and what is written of it."""

import json
import shutil
from importlib.metadata import distribution
from pathlib import Path

import pytest

from images.sbom import ImageFacts, write_sbom
from potstill import __version__

SITE = Path("opt/potstill/lib/python3.11/site-packages")
# Out of a Debian 12, with the fields that are read and one of those that are not.
STATUS = """\
Package: libc6
Status: install ok installed
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: amd64
Version: 2.36-9+deb12u10
Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10~)
Description: GNU C Library: Shared libraries
 Contains the standard libraries that are used by nearly all programs on
 the system.
 .
 It is not optional.

Package: libgcc-s1
Status: install ok installed
Maintainer: Debian GCC Maintainers <debian-gcc@lists.debian.org>
Architecture: amd64
Version: 12.2.0-14
Provides: libgcc1 (= 1:12.2.0-14)
Depends: gcc-12-base (= 12.2.0-14), libc6 (>= 2.35)

Package: dash
Status: install ok installed
Maintainer: Andrej Shadura <andrewsh@debian.org>
Architecture: amd64
Version: 0.5.12-2
Pre-Depends: libc6 (>= 2.36), libgcc1 | nothing:any
Depends: debianutils (>= 5.6-0.1), mail-agent

Package: exim4
Status: deinstall ok config-files
Architecture: amd64
Version: 4.96-15
Provides: mail-agent
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: BSD-3-clause and GPL-2+

Files: debian/*
License: Expat
 Permission is hereby granted, free of charge, …

License: BSD-3-clause
 Redistribution and use in source and binary forms, …
"""
DISTRIBUTIONS = ("potstill", "matplotlib", "python-dateutil", "six", "numpy", "boto3", "torch", "packaging", "colorama")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The file system of an image: Debian's libc and shell, a Python of its own, metadata of a few distributions."""
    made = tmp_path / "root"
    for folder in (SITE, "var/lib/dpkg", "usr/share/doc/dash", "usr/lib"):
        (made / folder).mkdir(parents=True)
    (made / "var/lib/dpkg/status").write_text(STATUS)
    (made / "usr/share/doc/dash/copyright").write_text(COPYRIGHT)
    (made / "usr/lib/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n')
    (made / "opt/potstill/pyvenv.cfg").write_text("home = /usr/local/bin\nversion = 3.11.9\n")
    for name in DISTRIBUTIONS:
        folder = Path(distribution(name)._path)
        shutil.copytree(folder, made / SITE / folder.name, ignore=shutil.ignore_patterns("licenses", "RECORD"))
    return made


def facts(stage: str = "prune", **known) -> ImageFacts:
    return ImageFacts(f"potstill/{stage}", __version__, **known)


def written(root: Path, image: ImageFacts | None = None) -> dict:
    path = root.parent / "sbom.json"
    write_sbom(root, image or facts(), path)
    return json.loads(path.read_text(encoding="utf-8"))


def components(sbom: dict) -> dict[str, dict]:
    return {each["name"]: each for each in sbom["components"]}


def require(root: Path, name: str, *lines: str) -> None:
    metadata = next((root / SITE).glob(f"{name}-*")) / "METADATA"
    head, _, body = metadata.read_text().partition("\n\n")
    metadata.write_text("\n".join((head, *(f"Requires-Dist: {line}" for line in lines), "", body)))
