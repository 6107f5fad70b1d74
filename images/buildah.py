"""buildah: builds without a daemon, as root or as anybody, and gives the same digest for the same inputs."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from images.programs import SAME_BYTES, insecure, require
from images.recipe import CONTAINERFILE, Recipe


@dataclass(frozen=True)
class Built:
    """An image in buildah's own storage.

    Attributes:
        name: with its registry and tag; Docker and Kubernetes know it without the `docker.io/`.
        digest: of its manifest there, whose layers are not compressed; a registry's digest is another.
        size: as buildah tells it, layers that it shares with others included.
    """

    name: str
    digest: str
    size: str


def build(recipe: Recipe, stage: str, name: str, *, fresh: bool) -> Built:
    """Build the image of a stage; layers that are there already are taken.

    Args:
        recipe: what it is made of.
        stage: its name.
        name: the name and tag to give it.
        fresh: take no layer of an earlier build.

    Raises:
        InputError: buildah is not installed, or fails; its own words are on stderr.
    """
    arguments = [f"--build-arg={key}={value}" for key, value in recipe.arguments(stage).items()]
    contexts = [f"--build-context={key}={folder}" for key, folder in recipe.contexts.items()]
    cache = ["--no-cache"] if fresh else []
    where = [f"--file={CONTAINERFILE}", f"--arch={recipe.arch}", f"--tag={name}", str(recipe.contexts["recipe"])]
    require("buildah", "bud", *SAME_BYTES, *cache, *arguments, *contexts, *where)
    digest = require("buildah", "inspect", "--type=image", "--format={{.FromImageDigest}}", name)
    return Built(name, digest, json.loads(require("buildah", "images", "--json", name))[0]["size"])


@contextmanager
def mounted(name: str) -> Iterator[Path]:
    """Give an image's files to read while the block runs.

    Raises:
        InputError: buildah may not mount; who is not root runs `buildah unshare images/build …`.
    """
    container = require("buildah", "from", "--pull-never", name)
    try:
        yield Path(require("buildah", "mount", container))
    finally:
        require("buildah", "rm", container)


def push(name: str, registry: str) -> str:
    """Push an image; return its name there.

    Raises:
        InputError: the registry refuses.
    """
    there = f"{registry}/{name.removeprefix('docker.io/')}"
    require("buildah", "push", "--quiet", *insecure(there), name, f"docker://{there}")
    return there


def archive(names: Sequence[str], path: Path) -> None:
    """Write images into one file that `docker load` and `kind load image-archive` read, each shared layer once.

    Raises:
        InputError: podman, which alone writes several images into one file, is not installed, or fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # a file that is cut short must not look whole
        part = Path(folder) / path.name
        require(
            "podman", "save", "--quiet", "--multi-image-archive", "--format=docker-archive", f"--output={part}", *names
        )
        part.rename(path)
