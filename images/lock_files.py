"""The release's two lock files: the base image that recipes start from, and the image of every stage.

    images/base.lock.json                   {"reference": …, "digest": "sha256:…", "media_type": …, "platforms": {…}}
    components/potstill/images.lock.json    {"prune": "registry/potstill/prune@sha256:…", …}

Both are written whole or not at all, sorted, and the same content gives the same bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from images.registry import DIGEST, Held
from potstill.errors import InputError
from potstill.output_files import write_whole

BASE_LOCK = Path(__file__).with_name("base.lock.json")


@dataclass(frozen=True)
class Base:
    """The base image of a release.

    Attributes:
        reference: its full name and tag.
        digest: of the list of its platforms; what a recipe begins with is `name@digest`.
        media_type: of that list.
        platforms: digest of each platform's manifest.
    """

    reference: str
    digest: str
    media_type: str
    platforms: Mapping[str, str]

    def __post_init__(self) -> None:
        wrong = [str(each) for each in (self.digest, *self.platforms.values()) if not DIGEST.fullmatch(str(each))]
        if wrong or not self.platforms or ":" not in self.reference:
            raise ValueError(f"wanted are a name:tag and sha256 digests, got {self.reference!r}, {', '.join(wrong)}")

    @property
    def name(self) -> str:
        """The full name, without the tag."""
        return self.reference.rpartition(":")[0]

    @property
    def tag(self) -> str:
        """The tag, which a registry may give to another image tomorrow."""
        return self.reference.rpartition(":")[2]

    @property
    def pinned(self) -> str:
        """What a recipe begins with."""
        return f"{self.name}@{self.digest}"


def base_of(held: Held, tag: str) -> Base:
    """Make the lock's entry of what a registry holds."""
    return Base(f"{held.name}:{tag}", held.digest, held.media_type, held.platforms)


def read_base(path: Path = BASE_LOCK) -> Base:
    """Read which base image a release starts from.

    Raises:
        InputError: there is no lock, or it is not whole.
    """
    way_out = "write it with python -m images.release_lock base"
    if not path.is_file():
        raise InputError(f"{path} is not there; {way_out}")
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return Base(**{each.name: given[each.name] for each in fields(Base)})
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise InputError(f"{path} is no lock of a base image ({broken!r}); {way_out}") from broken


def write_base(base: Base, path: Path) -> None:
    """Write which base image a release starts from."""
    write_lock(asdict(base), path)


def refuse_unwritable(path: Path) -> None:
    """Refuse a lock that may not be replaced, before a registry is asked.

    Its own mode counts, because a new file could take the place of one that somebody made read-only.

    Raises:
        InputError: it is read-only, or no file.
    """
    if path.exists() and not (path.is_file() and path.stat().st_mode & 0o222):
        raise InputError(f"{path} is read-only or no file; make it writable, or pass another with --out")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is no folder; make it, or pass another file with --out")


def write_lock(content: Mapping[str, Any], path: Path) -> None:
    """Write a lock whole: a reader sees the old one or the new one."""
    write_whole(path, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
