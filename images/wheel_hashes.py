"""Which wheel each distribution of an image came from: what the locks pin and admit, and which of it was there."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from potstill.errors import InputError

HASH = "--hash=sha256:"


@dataclass(frozen=True)
class Lock:
    """What was to be installed.

    Attributes:
        pins: by distribution, which version and the sha256 of every file that may be it.
        wheels: files that were there to be installed from, by distribution and version.
    """

    pins: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    wheels: Mapping[tuple[str, Version], tuple[Path, ...]] = field(default_factory=dict)

    def refuse_others(self, installed: Mapping[str, str]) -> None:
        """Refuse an image that was made from another lock.

        Raises:
            InputError: a distribution is missing, or there in another version than pinned.
        """
        missing = [f"{name} is missing" for name in sorted(self.pins.keys() - installed.keys())]
        wrong = missing + [
            f"{name} {version}, pinned is {self.pins[name][0]}"
            for name, version in sorted(installed.items())
            if name in self.pins and not _is(version, self.pins[name][0])
        ]
        if wrong:
            raise InputError(f"the image was not made from this lock: {', '.join(wrong)}; pass its own")

    def hash_of(self, name: str, version: str) -> str:
        """Find the sha256 of the wheel; empty where several are admitted and it is not known which was installed."""
        if name not in self.pins:
            return ""
        admitted = self.pins[name][1]
        there = admitted & {_sha256(each) for each in self.wheels.get((name, Version(version)), ())}
        found = there or admitted
        return next(iter(found)) if len(found) == 1 else ""


def read_locks(paths: Iterable[Path], environment: Mapping[str, str], wheels: Path | None = None) -> Lock:
    """Read pip's requirements with hashes.

    Args:
        paths: files that an image was installed from.
        environment: the image's, which markers are evaluated for.
        wheels: the folder of wheels that it was installed from; None: not known.

    Raises:
        InputError: a file pins nothing, or holds what pip would not read.
    """
    pins = {name: pin for path in paths for name, pin in _pins(path, environment)}
    return Lock(pins, _by_version(wheels) if wheels else {})


def _pins(path: Path, environment: Mapping[str, str]) -> Iterable[tuple[str, tuple[str, frozenset[str]]]]:
    lines = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    requirements = [line for line in lines if line.strip() and not line.startswith("#")]
    if not requirements:
        raise InputError(f"{path} pins nothing; wanted are lines as name==1.0 --hash=sha256:…")
    for line in requirements:
        wanted, *hashes = (part.strip() for part in line.split(HASH))
        try:
            requirement = Requirement(wanted)
        except InvalidRequirement as broken:
            raise InputError(f"{path}: {wanted!r} is no requirement; wanted is name==1.0 {HASH}…") from broken
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            yield str(canonicalize_name(requirement.name)), (str(requirement.specifier), frozenset(hashes))


def _by_version(folder: Path) -> dict[tuple[str, Version], tuple[Path, ...]]:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of wheels; leave --wheels out, or pass build/images/wheels/<arch>")
    found: dict[tuple[str, Version], tuple[Path, ...]] = {}
    for wheel in sorted(folder.glob("*.whl")):
        try:
            name, version, _, _ = parse_wheel_filename(wheel.name)
        except InvalidWheelFilename as broken:
            raise InputError(f"{wheel} is not named as a wheel is; remove it") from broken
        found[str(name), version] = (*found.get((str(name), version), ()), wheel)
    return found


def _is(version: str, pinned: str) -> bool:
    try:
        return SpecifierSet(pinned).contains(version, prereleases=True)  # 2.13.0+cpu is ==2.13.0
    except InvalidVersion:
        return False


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
