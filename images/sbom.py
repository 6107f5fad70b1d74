"""What is in an image, as a CycloneDX 1.6 bill of materials: every Python distribution and Debian package, by name.

    python -m images.sbom ROOT --image potstill/prune:0.1.0 --lock images/locks/prune.txt --out prune.cdx.json

ROOT is the image's file system, mounted or unpacked. The same image gives the same bytes: no time stands in it, and
its serial number comes from its content. Source: cyclonedx.org/docs/1.6/json, github.com/package-url/purl-spec.
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import NAMESPACE_OID, uuid5

import tyro
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from images import debian_packages, python_packages
from images.commands import run
from images.families import family_of
from images.found import Found
from images.registry import DIGEST
from images.wheel_hashes import read_locks
from potstill.errors import InputError, OptionError
from potstill.output_files import write_whole
from potstill.provenance import revision
from potstill.told import Told


@dataclass(frozen=True)
class ImageFacts:
    """What is known of an image beside its files.

    Attributes:
        name: as potstill/prune; its last part is the stage.
        version: potstill's, the image's tag.
        revision: the git revision it was built from; empty: unknown.
        digest: of its manifest; empty: unknown yet.
        locks: the requirements it was installed from; none: no hashes, and no comparison.
        wheels: the folder of wheels that it was installed from, which tells the hash where a lock admits several.
    """

    name: str
    version: str
    revision: str = ""
    digest: str = ""
    locks: tuple[Path, ...] = ()
    wheels: Path | None = None

    def __post_init__(self) -> None:
        if self.digest and not DIGEST.fullmatch(self.digest):
            raise OptionError(f"digest must be sha256:<64 hex digits>, got {self.digest!r}")

    @property
    def extra(self) -> str:
        """The extra of potstill that is in the image."""
        stage = self.name.rpartition("/")[2]
        try:
            return family_of(stage).name
        except KeyError:
            raise OptionError(f"no stage is called {stage!r}; wanted is an image as potstill/prune") from None


def write_sbom(root: Path, image: ImageFacts, path: Path) -> int:
    """Write an image's bill of materials.

    Args:
        root: the image's file system.
        image: what else is known of it.
        path: the JSON file to write; it is written whole, or not at all.

    Returns: how many components it names.

    Raises:
        InputError: dpkg's record or a distribution's metadata is missing or broken.
    """
    found = _find(root, image)
    text = _with_serial_number(JsonV1Dot6(_bom(_described(image), found)).output_as_string())
    if invalid := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise InputError(f"{root} gives no valid CycloneDX: {str(invalid).splitlines()[0]}; mend the package it names")
    write_whole(path, text)
    return len(found)


def _find(root: Path, image: ImageFacts) -> dict[str, Found]:
    """Find all packages, by package URL; potstill needs the interpreter, too."""
    debian = debian_packages.find(root)
    environment = python_packages.environment_of(root, debian_packages.architecture(debian))
    locked = read_locks(image.locks, environment, image.wheels)
    python = python_packages.find(root, image.extra, environment, locked)
    below = python_packages.interpreter(root, debian)
    potstill = python["potstill"]
    python["potstill"] = Found(potstill.component, potstill.needs | {below.purl})
    return {each.purl: each for each in (*debian.values(), below, *python.values())}


def _described(image: ImageFacts) -> Component:
    known = {"org.opencontainers.image.revision": image.revision, "digest": image.digest}
    stage = image.name.rpartition("/")[2]
    return Component(
        type=ComponentType.CONTAINER,
        name=image.name,
        version=image.version,
        bom_ref=image.digest or f"{image.name}:{image.version}",
        purl=PackageURL("oci", name=stage, version=image.digest) if image.digest else None,
        properties=[Property(name=name, value=value) for name, value in known.items() if value],
    )


def _bom(image: Component, found: Mapping[str, Found]) -> Bom:
    """Join all; what no package needs was put into the image for its own sake, so the image needs it."""
    needed = {purl for each in found.values() for purl in each.needs}
    edges = [_edges(each.component, each.needs, found) for each in found.values()]
    own = _edges(image, found.keys() - needed, found)
    components = [each.component for each in found.values()]
    return Bom(metadata=BomMetaData(component=image), components=components, dependencies=[own, *edges])


def _edges(component: Component, needs: Iterable[str], found: Mapping[str, Found]) -> Dependency:
    return Dependency(component.bom_ref, [Dependency(found[purl].component.bom_ref) for purl in needs])


def _with_serial_number(output: str) -> str:
    content = json.loads(output)
    del content["metadata"]["timestamp"], content["serialNumber"]
    serial = uuid5(NAMESPACE_OID, json.dumps(content, sort_keys=True)).urn
    return json.dumps({"serialNumber": serial, **content}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main(
    root: Annotated[Path, tyro.conf.Positional],
    /,
    image: str,
    out: Path,
    lock: tuple[Path, ...] = (),
    wheels: Path | None = None,
    digest: str = "",
) -> Told:
    """Write the bill of materials of an image.

    Args:
        root: The image's file system: a folder.
        image: Its name and tag, as potstill/prune:0.1.0.
        out: The JSON file to write.
        lock: Requirements it was installed from, one file or several; a hash stands where they admit one file.
        wheels: Folder of the wheels it was installed from; of several files that are admitted, the one there counts.
        digest: Of its manifest, as sha256:…, where it is known.
    """
    name, _, version = image.rpartition(":")
    if not name:
        raise OptionError(f"--image {image!r} has no tag; wanted is name:tag, as potstill/prune:0.1.0")
    count = write_sbom(root, ImageFacts(name, version, revision(), digest, lock, wheels), out)
    return Told([f"{out}: {count} components, {out.stat().st_size / 1000:.0f} kB"])


if __name__ == "__main__":
    sys.exit(run("python -m images.sbom", main, sys.argv[1:]))
