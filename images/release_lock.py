"""Which bytes a release is made of: the base image and every stage's image, by digest, as a registry holds them.

    python -m images.release_lock base [python:3.11-slim-bookworm]     → images/base.lock.json
    python -m images.release_lock images --registry ghcr.io/somebody   → components/potstill/images.lock.json
    python -m images.release_lock check                                compares both with the registries

The first goes before the images are built, the second after they are pushed, and then the pipelines are compiled.
`images.lock.json` must not be in the wheel that goes into an image: an image cannot name its own digest, so recipes
leave the file out. Exit codes: 0 done, or nothing moved; 1 something moved; 2 refused, and nothing was written.
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import tyro

from images.commands import run
from images.lock_files import BASE_LOCK, base_of, read_base, refuse_unwritable, write_base, write_lock
from images.registry import qualified, resolve
from images.stage_images import moved, of_all, pushed
from potstill.errors import InputError, MissingError, OptionError
from potstill.images import RELEASE_LOCK, development_tag, read_lock
from potstill.provenance import revision
from potstill.told import DIFFERENT, SAME, Told

PROGRAM = "python -m images.release_lock"
BASE = "python:3.11-slim-bookworm"


def base(reference: Annotated[str, tyro.conf.Positional] = BASE, /, out: Path = BASE_LOCK) -> Told:
    """Write down the digest of the base image that a registry gives for a tag today.

    Args:
        reference: The image, as name:tag.
        out: The lock file to write.
    """
    name, tag = qualified(reference)
    refuse_unwritable(out)
    found = base_of(resolve(name, f":{tag}"), tag)
    write_base(found, out)
    return Told([f"{found.pinned}: {', '.join(found.platforms)}", f"written: {out}"])


def images(registry: str, out: Path = RELEASE_LOCK) -> Told:
    """Write down the digest of every stage's image, all or none, once they are pushed.

    Each must carry the labels of this checkout, on every platform.

    Args:
        registry: Where they were pushed, as ghcr.io/somebody; each image is <registry>/potstill/<stage>:<version>.
        out: The lock file to write.
    """
    refuse_unwritable(out)
    registry, here = registry.removeprefix("https://").rstrip("/"), revision()
    if not here:
        raise InputError("no revision is known here; run this in a git checkout, or set POTSTILL_REVISION")
    found = of_all(lambda stage: pushed(stage, f"{registry}/{development_tag(stage)}", here))
    write_lock({stage: f"{held.name}@{held.digest}" for stage, held in found.items()}, out)
    lines = [f"{stage}: {held.digest} ({', '.join(held.platforms)})" for stage, held in found.items()]
    return Told([*lines, f"written: {out}"])


def check(base_lock: Path = BASE_LOCK, images_lock: Path = RELEASE_LOCK) -> Told:
    """Compare the locks with what the registries hold now.

    Args:
        base_lock: The lock of the base image.
        images_lock: The lock of the stages' images.
    """
    present = [path for path in (base_lock, images_lock) if path.is_file()]
    absent = {base_lock: BASE_LOCK, images_lock: RELEASE_LOCK}
    if named := [str(path) for path, usual in absent.items() if path != usual and path not in present]:
        raise InputError(f"{', '.join(named)}: no such file; leave the option out for the usual place")
    if not present:
        raise InputError(f"neither {base_lock} nor {images_lock} is there; write them with base and images")
    changes = list(_moved_base(base_lock)) if base_lock in present else []
    if images_lock in present:
        locked = read_lock(images_lock)
        changes += filter(None, of_all(lambda stage: moved(stage, locked[stage])).values())
    return Told(changes or [f"as locked: {', '.join(map(str, present))}"], DIFFERENT if changes else SAME)


def _moved_base(path: Path) -> Iterable[str]:
    locked = read_base(path)
    try:
        resolve(locked.name, f"@{locked.digest}")
    except MissingError:
        yield f"{locked.pinned} is not there any more"
    now = resolve(locked.name, f":{locked.tag}")
    if now.digest != locked.digest:
        yield f"{locked.reference} is now {now.digest}, locked is {locked.digest}"


COMMANDS: dict[str, Callable[..., Told]] = {"base": base, "images": images, "check": check}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of this file; return the exit code.

    Args:
        arguments: as on the command line; None: those.
    """
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ("",)
    if name in {"", "-h", "--help"}:
        return run(PROGRAM, _usage, ())
    return run(f"{PROGRAM} {name}", COMMANDS.get(name, _unknown), rest if name in COMMANDS else (name,))


def _usage() -> Told:
    """Say which commands there are."""
    return Told(str(__doc__).splitlines())


def _unknown(name: Annotated[str, tyro.conf.Positional], /) -> Told:
    """Refuse a command that is not there."""
    raise OptionError(f"no command {name!r}; there are {', '.join(COMMANDS)}")


if __name__ == "__main__":
    sys.exit(main())
