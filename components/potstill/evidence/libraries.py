"""Which libraries a release rests on: those that its stages loaded, and those that the lock installs."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from potstill.errors import InputError
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import DEFINITION_FOLDER, LOCK
from potstill.evidence.reading import read_inside

Library = tuple[str, str]
"""Name and version."""

PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


def loaded_libraries(evidence: Evidence) -> dict[Library, list[str]]:
    """Libraries that stages loaded → digests of the artifacts that they made with them, ancestors first."""
    found: dict[Library, list[str]] = {}
    for digest in evidence.lineage.order:
        for name, version in evidence.manifests[digest].made_by["libraries"].items():
            found.setdefault((normal(name), version), []).append(digest)
    return dict(sorted(found.items()))


def locked_libraries(evidence: Evidence) -> list[Library]:
    """Libraries that the lock of the definition installs, by name; none where there is no lock.

    Raises:
        InputError: a lock that is not UTF-8.
    """
    if LOCK not in evidence.definition:
        return []
    inside = f"{DEFINITION_FOLDER}/{LOCK}"
    try:
        lines = read_inside(evidence.folder, inside).decode("utf-8").splitlines()
    except UnicodeDecodeError as broken:
        raise InputError(f"{evidence.folder / inside} is not UTF-8; wanted is a lock as pip reads it") from broken
    pinned = (PINNED.match(line) for line in lines)
    return sorted({(normal(found[1]), found[2]) for found in pinned if found})


def package_url(library: Library) -> str:
    """The package URL of a library on the Python index. Source: github.com/package-url/purl-spec."""
    name, version = library
    return f"pkg:pypi/{quote(name)}@{quote(version, safe='')}"


def normal(name: str) -> str:
    """A distribution's name as the index compares it. Source: packaging.python.org, name normalization."""
    return re.sub(r"[-_.]+", "-", name).lower()


def versions_of(evidence: Evidence) -> Mapping[Library, list[str]]:
    """Every library of either kind → digests of the artifacts that were made with it.

    The lock names the version, a loaded library its build, too (2.13.0 and 2.13.0+cpu): that is one library.
    """
    loaded = loaded_libraries(evidence)
    public = {(name, version.partition("+")[0]) for name, version in loaded}
    locked: dict[Library, list[str]] = {each: [] for each in locked_libraries(evidence) if each not in public}
    return dict(sorted({**locked, **loaded}.items()))
