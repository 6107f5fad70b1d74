"""The image of each stage: by digest from a release's lock, else the development tag."""

import json
from functools import cache
from pathlib import Path

import potstill

RELEASE_LOCK = Path(__file__).with_name("images.lock.json")  # {"prune": "registry/potstill/prune@sha256:…", …}


def image_for(stage: str) -> str:
    """Name the image that a component runs in.

    A release writes `images.lock.json` beside this file, and every name then carries a digest: KFP's cache key holds
    the image *string*, so a tag that moves would serve stale results. Without the lock it is the development tag.

    Args:
        stage: the stage's name, as on the command line.
    """
    return _locked().get(stage, f"potstill/{stage}:{potstill.__version__}")


@cache
def _locked() -> dict[str, str]:
    return dict(json.loads(RELEASE_LOCK.read_text())) if RELEASE_LOCK.is_file() else {}
