"""What a build is given: the recipe's scripts and locks, the wheelhouse, and the arguments that tell stages apart."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import potstill
from images.families import FAMILIES, family_of
from images.wheels import build_potstill, fetch_wheels, locks_of
from potstill.artifacts import sha256_of
from potstill.provenance import revision

HERE = Path(__file__).resolve().parent
CONTAINERFILE = HERE / "Containerfile"
SCRIPTS = ("install", "install-stage")


@dataclass(frozen=True)
class Recipe:
    """A build's inputs, all of them on this machine.

    Attributes:
        folder: holds `recipe` and `wheels`, the two contexts of the Containerfile.
        base: the image that it begins with.
        arch: of the processor, amd64 or arm64.
        torch: which build of PyTorch, cpu or cuda.
        source: URL of the sources, for the label; may be empty.
        digest: over the scripts and locks.
        wheel: digest of potstill's own wheel.
    """

    folder: Path
    base: str
    arch: str
    torch: str
    source: str
    digest: str
    wheel: str

    def arguments(self, stage: str) -> dict[str, str]:
        """The Containerfile's arguments for a stage."""
        family = family_of(stage)
        return {
            "BASE": self.base,
            "LAYER": "torch" if family.torch else "python",
            "TARGETARCH": self.arch,
            "TORCH": self.torch,
            "RECIPE": self.digest,
            "FAMILY": family.name,
            "STAGE": stage,
            "VERSION": potstill.__version__,
            "REVISION": revision(),
            "SOURCE": self.source,
            "POTSTILL": self.wheel,
        }

    @property
    def contexts(self) -> dict[str, Path]:
        """The Containerfile's named contexts."""
        return {"recipe": self.folder / "recipe", "wheels": self.folder / "wheels"}


def prepare(stages: tuple[str, ...], base: str, arch: str, torch: str, source: str, folder: Path) -> Recipe:
    """Gather what the builds of some stages need.

    Raises:
        InputError: wheels cannot be fetched, or potstill's own cannot be built.
    """
    families = [family for family in FAMILIES if set(family.stages) & set(stages)]
    if any(family.torch for family in families):
        families = list(dict.fromkeys([family_of("teacher-train"), *families]))  # the layer below
    recipe, wheels = folder / "recipe", folder / "wheels"
    shutil.rmtree(recipe, ignore_errors=True)  # what an earlier build left would change the digest
    for each in (recipe, wheels / arch, wheels / "potstill"):
        each.mkdir(parents=True, exist_ok=True)
    files = [HERE / name for name in SCRIPTS] + [lock for family in FAMILIES for lock in locks_of(family, torch)]
    for file in dict.fromkeys(files):
        shutil.copyfile(file, recipe / file.name)
    fetch_wheels(families, arch, torch, wheels / arch)
    wheel = build_potstill(wheels / "potstill")
    lines = [f"{sha256_of(each)}  {each.name}\n" for each in sorted(recipe.iterdir())]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return Recipe(folder, base, arch, torch, source, digest, sha256_of(wheel))
