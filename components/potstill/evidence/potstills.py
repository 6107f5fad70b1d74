"""Which potstill made a release, and which is here: where the two differ, their papers may, too."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import potstill
from potstill.artifacts import MANIFEST
from potstill.errors import PotstillError
from potstill.evidence.shape import shown
from potstill.signing.strict_json import LARGEST, read_strict

UNKNOWN = "the potstill that made it"


def maker_of(folder: Path) -> str:
    """Name the potstill that sealed a folder, as its seal says: the seal may be anything, and is shown as text.

    Args:
        folder: of a release or a bundle.

    Returns: version and revision, in words.
    """
    maker = _made_by(folder)
    return potstill_of(maker) if maker else UNKNOWN


def potstill_of(maker: Mapping[str, Any]) -> str:
    """Name a potstill by a manifest's `made_by`."""
    revision = maker.get("revision")
    told = f", revision {_plain(revision)}" if revision else ""
    return f"potstill {_plain(maker.get('potstill', 'of an unknown version'))}{told}"


def made_elsewhere(folder: Path) -> str:
    """Say which potstill made a release, which reads it, and whether to take that one: a message on papers begins so.

    Where it is not known that the two are different, nothing is advised: then the release may have been changed.
    """
    maker = _made_by(folder)
    here = {"potstill": potstill.__version__, "revision": os.environ.get("POTSTILL_REVISION", "")}  # images carry it
    both = f"made by {maker_of(folder)}, this is {potstill_of(here)}"
    return f"{both}: use that one" if maker and _are_two(maker, here) else both


def _are_two(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    revisions = {str(each.get("revision") or "") for each in (one, other)}
    return one.get("potstill") != other.get("potstill") or (len(revisions) > 1 and "" not in revisions)


def _made_by(folder: Path) -> Mapping[str, Any]:
    """What a folder's seal says of its maker; empty where there is no seal, or none that can be read."""
    seal = folder / MANIFEST
    try:
        body = read_strict(seal.read_bytes(), MANIFEST) if seal.stat().st_size <= LARGEST else None
    except (OSError, PotstillError):
        return {}  # what is asked here is asked for a message alone
    maker = body.get("made_by") if isinstance(body, dict) else None
    return maker if isinstance(maker, dict) else {}


def _plain(value: Any) -> str:
    return shown(value).strip("'")
