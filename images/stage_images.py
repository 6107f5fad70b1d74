"""The stages' images in a registry: found by tag or digest, and known by their labels."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

import potstill
from images.registry import Held, labels, qualified, resolve
from potstill.errors import MissingError
from potstill.images import IMAGES

REVISION = "org.opencontainers.image.revision"
VERSION = "org.opencontainers.image.version"
TITLE = "org.opencontainers.image.title"
AT_ONCE = 4  # registries answer slowly, and limit how much one asks
Answer = TypeVar("Answer")


def pushed(stage: str, reference: str, revision: str) -> Held:
    """Resolve a stage's image and prove whose it is on every platform: a tag may be another build's.

    Args:
        stage: its name.
        reference: where it was pushed, as registry/name:tag.
        revision: the one that it must be built from.

    Raises:
        MissingError: it is not there, or carries other labels.
    """
    name, tag = qualified(reference)
    held = resolve(name, f":{tag}")
    if wrong := _wrong_labels(held, _wanted(stage) | {REVISION: revision}):
        raise MissingError(f"{reference}: {', '.join(wrong)}; build and push it from this checkout")
    return held


def moved(stage: str, pinned: str) -> str:
    """Tell what is wrong with an image that a lock names; empty: nothing.

    Its labels may name another revision than this checkout's, which may be newer than the release.

    Args:
        stage: its name.
        pinned: as registry/name@sha256:….
    """
    name, _, digest = pinned.partition("@")
    try:
        held = resolve(name, f"@{digest}")
    except MissingError:
        return f"{stage}: {pinned} is not there any more"
    wrong = _wrong_labels(held, _wanted(stage))
    return f"{stage}: {', '.join(wrong)}" if wrong else ""


def of_all(ask: Callable[[str], Answer]) -> dict[str, Answer]:
    """Ask for every stage; what is missing is told of all at once, and a registry that fails ends it.

    Args:
        ask: what to ask, by the stage's name.

    Raises:
        MissingError: of one stage or more.
        InputError: the registry fails.
    """
    missing = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = {stage: pool.submit(ask, stage) for stage in IMAGES}
        for each in as_completed(asked.values()):
            failed = each.exception()
            if isinstance(failed, MissingError):
                missing.append(str(failed))
            elif failed:
                pool.shutdown(wait=False, cancel_futures=True)
                raise failed
    if missing:
        raise MissingError("; ".join(sorted(missing)))
    return {stage: each.result() for stage, each in asked.items()}


def _wanted(stage: str) -> dict[str, str]:
    return {VERSION: potstill.__version__, TITLE: f"potstill/{stage}"}


def _wrong_labels(held: Held, wanted: dict[str, str]) -> list[str]:
    wrong = []
    for platform, digest in held.platforms.items():
        given = labels(held.name, digest)
        wrong += [
            f"{label} is {given.get(label)!r} on {platform}, wanted is {value!r}"
            for label, value in wanted.items()
            if given.get(label) != value
        ]
    return wrong
