"""docker buildx, where there is no buildah: the same recipe by docker-bake.hcl, over a base that a registry holds."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from images.lock_files import BASE_LOCK, read_base
from images.recipe import Recipe
from potstill.errors import InputError

FILE = Path(__file__).with_name("docker-bake.hcl")
UNLOCKED = "docker.io/library/python:3.11-slim-bookworm"  # a tag that moves: fit for development alone


def base_of_registry(wanted: str) -> str:
    """Return the base to begin with: the locked one, or a tag where none is locked.

    Raises:
        InputError: Debian's own packages are asked for, which buildah alone takes.
    """
    if wanted == "debian":
        raise InputError("--base debian needs buildah, which is not installed; on Debian: apt-get install buildah")
    if wanted != "auto":
        return wanted
    return read_base(BASE_LOCK).pinned if BASE_LOCK.is_file() else UNLOCKED


def bake(recipe: Recipe, stages: Sequence[str], *, fresh: bool, load: bool, push: str) -> None:
    """Build the images of stages, and load them into Docker or push them; its own progress is on stderr.

    Args:
        recipe: what they are made of.
        stages: their names, the bake file's targets.
        fresh: take no layer of an earlier build.
        load: load them into the Docker daemon; a daemon holds no bills of materials.
        push: the registry to push to, bills of materials and provenance with them; empty: none.

    Raises:
        InputError: it fails.
    """
    arguments = recipe.arguments(stages[0])
    variables = {name: arguments[name] for name in ("BASE", "VERSION", "REVISION", "SOURCE", "TORCH")}
    variables["REGISTRY"] = f"{push}/" if push else ""
    options = [f"--set=*.platform=linux/{recipe.arch}", *(["--no-cache"] if fresh else [])]
    options += ["--push"] if push else []
    options += ["--load", "--provenance=false", "--sbom=false"] if load else []
    command = ["docker", "buildx", "bake", f"--file={FILE}", *options, *stages]
    root = recipe.folder.parents[1]  # the bake file's contexts are relative to the checkout
    if subprocess.run(command, cwd=root, env=os.environ | variables, check=False).returncode:
        raise InputError("docker buildx bake failed; its message is above")
