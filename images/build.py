"""Build the images, one per stage: `images/build [stage …]`, by buildah, or by docker buildx where that is not there.

Where no image registry answers, buildah begins with a base of Debian's packages; where one does, with the base that
images/base.lock.json names. The wheels are fetched before, by hash; the builds themselves ask no network.
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import tyro

import potstill
from images import buildah
from images.bake import bake, base_of_registry
from images.base import base_for
from images.commands import run
from images.families import STAGES, family_of
from images.programs import require, succeeds
from images.recipe import Recipe, prepare
from images.sbom import ImageFacts, write_sbom
from images.wheels import MACHINES, ROOT, locks_of
from potstill.errors import InputError, OptionError
from potstill.images import development_tag
from potstill.progress import tell
from potstill.provenance import revision
from potstill.told import Told

PROGRAM = "images/build"
BUILD = ROOT / "build" / "images"
ARCH = next((arch for arch, machine in MACHINES.items() if machine == platform.machine()), platform.machine())


def build(
    stages: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    /,
    base: str = "auto",
    arch: str = ARCH,
    torch: str = "cpu",
    source: str = "",
    fresh: bool = False,
    prepare_only: bool = False,
    load: bool = False,
    archive: Path | None = None,
    push: str = "",
) -> Told:
    """Build the image of every stage, or of some, with buildah; and list what is in each as CycloneDX.

    Without buildah docker buildx builds them, over a base of a registry.

    Args:
        stages: Names of stages; none: all.
        base: The image to begin with: auto, which is images/base.lock.json's if its registry answers and else Debian's
            own packages; debian; or a reference.
        arch: Processor: amd64 or arm64. Another one than this machine's needs QEMU (binfmt_misc).
        torch: Build of PyTorch: cpu or cuda.
        source: URL of the sources, for the label org.opencontainers.image.source; what is pushed must have one.
        fresh: Take no layer of an earlier build, nor of another image; a minute or more for each.
        prepare_only: Only gather locks and wheels under build/images, for docker buildx bake; build nothing.
        load: Load the images into the Docker daemon that DOCKER_HOST names.
        archive: Write the images into one file, for docker load and kind load image-archive.
        push: Push the images to this registry, as ghcr.io/somebody.
    """
    chosen = _checked(stages, arch, torch)
    by_docker = prepare_only or _by_docker()
    if push:
        _require_a_source(source)
    if by_docker:
        made = base_of_registry(base)
    else:
        made = base_for(base, arch, BUILD / "base", fresh=fresh, released=bool(push))
    tell("fetching the locked wheels")
    recipe = prepare(chosen, made, arch, torch, source, BUILD)
    if prepare_only:
        return Told([f"{BUILD}: ready for docker buildx bake --file images/docker-bake.hcl"])
    if by_docker:
        if archive:
            raise OptionError("--archive needs buildah and podman; pass --load, then docker save")
        bake(recipe, chosen, fresh=fresh, load=load, push=push)
        return Told([])
    return Told(_built(recipe, chosen, fresh=fresh, load=load, archive=archive, push=push))


def _checked(stages: tuple[str, ...], arch: str, torch: str) -> tuple[str, ...]:
    if unknown := [stage for stage in stages if stage not in STAGES]:
        raise OptionError(f"no stage is called {', '.join(unknown)}; stages are: {', '.join(STAGES)}")
    if arch not in MACHINES or torch not in ("cpu", "cuda"):
        raise OptionError(f"--arch {arch} --torch {torch}: wanted are amd64 or arm64, and cpu or cuda")
    return tuple(stage for stage in STAGES if stage in (stages or STAGES))


def _require_a_source(source: str) -> None:
    """Refuse to push what its labels would belie: another code than the revision's, or code from nowhere."""
    if not source:
        raise OptionError(
            "--push wants --source too, the URL where this code is found; it becomes a label of the images"
        )
    if changed := require("git", "-C", str(ROOT), "status", "--porcelain").splitlines():
        raise InputError(
            f"{len(changed)} files are not as committed ({changed[0]}); commit them, or build without --push"
        )


def _by_docker() -> bool:
    if shutil.which("buildah"):
        return False
    if succeeds("docker", "buildx", "version"):
        return True
    raise InputError(
        "neither buildah nor docker buildx is installed; on Debian: apt-get install buildah podman mmdebstrap"
    )


def _built(
    recipe: Recipe, stages: Iterable[str], *, fresh: bool, load: bool, archive: Path | None, push: str
) -> Iterator[str]:
    names = []
    for stage in stages:
        started, name = time.monotonic(), f"docker.io/{development_tag(stage)}"
        image = buildah.build(recipe, stage, name, fresh=fresh)
        facts = f"{image.size:>8} {time.monotonic() - started:6.1f} s  {image.digest}"
        names.append(name)
        yield f"{development_tag(stage):32} {facts}  {_listed(recipe, stage, image)}"
    if push:
        yield from (f"pushed {buildah.push(name, push)}" for name in names)
    if archive:
        buildah.archive(names, archive)
        yield f"written: {archive}"
    if load:
        yield from _loaded(names)


def _listed(recipe: Recipe, stage: str, image: buildah.Built) -> Path:
    """Write the image's bill of materials; return the file."""
    path = BUILD / "sbom" / f"{stage}.cdx.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    family = family_of(stage)
    layers = {family_of("teacher-train"), family} if family.torch else {family}
    locks = tuple(dict.fromkeys(lock for each in layers for lock in locks_of(each, recipe.torch)))
    wheels = recipe.contexts["wheels"] / recipe.arch
    facts = ImageFacts(f"potstill/{stage}", potstill.__version__, revision(), image.digest, locks, wheels)
    with buildah.mounted(image.name) as root:
        write_sbom(root, facts, path)
    return path.relative_to(ROOT)


def _loaded(names: list[str]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "images.tar"
        buildah.archive(names, path)
        yield from require("docker", "load", "--quiet", f"--input={path}").splitlines()


if __name__ == "__main__":
    sys.exit(run(PROGRAM, build, sys.argv[1:]))
