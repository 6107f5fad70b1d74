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
    seal = folder / MANIFEST
    try:
        body = read_strict(seal.read_bytes(), MANIFEST) if seal.stat().st_size <= LARGEST else None
    except (OSError, PotstillError):
        return UNKNOWN  # no seal yet, or none that can be read: what is asked here is asked for a message alone
    maker = body.get("made_by") if isinstance(body, dict) else None
    return potstill_of(maker) if isinstance(maker, dict) else UNKNOWN


def potstill_of(maker: Mapping[str, Any]) -> str:
    """Name a potstill by a manifest's `made_by`."""
    revision = maker.get("revision")
    told = f", revision {_plain(revision)}" if revision else ""
    return f"potstill {_plain(maker.get('potstill', 'of an unknown version'))}{told}"


def made_elsewhere(folder: Path) -> str:
    """Say which potstill made a release and which reads it: a part of a message on papers that differ."""
    here = {"potstill": potstill.__version__, "revision": os.environ.get("POTSTILL_REVISION", "")}  # images carry it
    return f"they were made by {maker_of(folder)}; here is {potstill_of(here)}"


def _plain(value: Any) -> str:
    return shown(value).strip("'")
