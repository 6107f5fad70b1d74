"""The image of each stage: by digest from a release's lock, else the development tag."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import potstill
from potstill.commands import STAGES
from potstill.errors import InputError

RELEASE_LOCK = Path(__file__).with_name("images.lock.json")  # {"prune": "registry/potstill/prune@sha256:…", …}
IMAGES = (*STAGES, "train-job")
"""Every name that an image exists for: the stages, and what starts a training stage as a TrainJob."""
PINNED = re.compile(r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}")


def image_for(stage: str) -> str:
    """Name the image that a component runs in.

    A release writes `images.lock.json` beside this file, and every name then carries a digest: KFP's cache key holds
    the image *string*, so a tag that moves would serve stale results. Without the lock it is the development tag. An
    image holds no lock, because it cannot name its own digest; so names are asked for where pipelines are compiled.

    Args:
        stage: one of IMAGES.

    Raises:
        InputError: the lock is not whole; the development tag would be another image than the release's.
    """
    locked = _locked()
    return locked[stage] if locked else development_tag(stage)


def development_tag(stage: str) -> str:
    """Name the image as it is built here, and pushed under a registry's name."""
    return f"potstill/{stage}:{potstill.__version__}"


def read_lock(path: Path) -> dict[str, str]:
    """Read a release's lock: the image of every one of IMAGES, by digest.

    Raises:
        InputError: it is no such file, or not whole; in one line, with everything that is wrong.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise InputError(f"{path} is no JSON ({broken}); {_way_out(path)}") from broken
    if not isinstance(entries, dict):
        raise InputError(f"{path} holds no object of images; {_way_out(path)}")
    if wrong := _offences(entries):
        raise InputError(f"{path}: {'; '.join(wrong)}; {_way_out(path)}")
    return entries


def _offences(entries: dict[str, Any]) -> list[str]:
    missing = [stage for stage in IMAGES if stage not in entries]
    unknown = [repr(each) for each in entries if each not in IMAGES]
    unpinned = [
        f"{stage!r} is {image!r}, wanted is name@sha256:<64 hex digits>"
        for stage, image in entries.items()
        if not (isinstance(image, str) and PINNED.fullmatch(image))
    ]
    return [
        *([f"no image for {', '.join(missing)}"] if missing else []),
        *([f"no stage is called {', '.join(unknown)}"] if unknown else []),
        *unpinned,
    ]


def _way_out(path: Path) -> str:
    return f"write it anew with python -m images.release_lock images, or delete {path.name} for development tags"


@cache
def _locked() -> dict[str, str]:
    return read_lock(RELEASE_LOCK) if RELEASE_LOCK.is_file() else {}
