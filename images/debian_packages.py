"""The Debian packages in an image, from dpkg's own record of them."""

import re
from collections.abc import Iterable, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from cyclonedx.model.component import Component
from cyclonedx.model.license import License
from packageurl import PackageURL

from images import sbom_licences
from images.found import Found
from potstill.errors import InputError

STATUS = "var/lib/dpkg/status"
INSTALLED = "install ok installed"
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
OWN = ("Package", "Version", "Architecture")


def find(root: Path) -> dict[str, Found]:
    """Find every installed package.

    Args:
        root: the image's file system.

    Returns: by name.

    Raises:
        InputError: dpkg's record is not there, or broken.
    """
    file = root / STATUS
    if not file.is_file():
        raise InputError(f"{file} is not there; pass the root of an image that is made from Debian")
    installed = list(_installed(file))
    packages = {each["Package"]: each for each in installed}
    if len(packages) < len(installed):
        raise InputError(f"{file} names a package twice, as for two architectures; an image has one")
    distribution = _distribution(root)
    purls = {name: _purl(each, distribution) for name, each in packages.items()}
    providers = _providers(packages)
    return {
        name: Found(
            _component(each, purls[name], root),
            frozenset(str(purls[target]) for target in _needs(each, providers) - {name}),
        )
        for name, each in sorted(packages.items())
    }


def architecture(found: Mapping[str, Found]) -> str:
    """Debian's name of the image's architecture.

    Raises:
        InputError: no package is built for one.
    """
    names = {each.component.purl.qualifiers["arch"] for each in found.values() if each.component.purl} - {"all"}
    if len(names) != 1:
        raise InputError(f"packages of {', '.join(sorted(names)) or 'no architecture'}; an image has one")
    return str(names.pop())


def _installed(file: Path) -> Iterable[Message]:
    for each in _paragraphs(file):
        if each.get("Status") == INSTALLED:
            if missing := [field for field in OWN if not each.get(field)]:
                raise InputError(f"{file}: {each.get('Package', 'a package')} has no {', '.join(missing)}")
            yield each


def _paragraphs(file: Path) -> list[Message]:
    """Read Debian's control format, whose paragraphs are headers as in mail."""
    texts = re.split(r"\n[ \t]*\n", file.read_text(encoding="utf-8", errors="replace"))
    found = [HeaderParser().parsestr(text.strip("\n")) for text in texts if text.strip()]
    for each in found:
        if each.get_payload() or each.defects:
            near = each.get("Package") or str(each.get_payload())[:60]
            raise InputError(f"{file} is damaged near {near!r}; wanted are fields as `Package: name`")
    return found


def _component(package: Message, purl: PackageURL, root: Path) -> Component:
    return Component(
        name=package["Package"],
        version=package["Version"],
        purl=purl,
        bom_ref=str(purl),
        publisher=package.get("Maintainer"),
        licenses=_licences(root, f"usr/share/doc/{package['Package']}/copyright"),
    )


def _licences(root: Path, name: str) -> list[License]:
    """Read what a machine-readable copyright file says; slim images have none, and prose is not read."""
    file = (root / name).resolve()
    if not file.is_file() or not file.is_relative_to(root.resolve()):  # an absolute link leads to this machine's file
        return []
    text = file.read_text(encoding="utf-8", errors="replace")
    if sbom_licences.MACHINE_READABLE not in text.partition("\n\n")[0]:
        return []
    return sbom_licences.of_debian(HeaderParser().parsestr(each.strip("\n")) for each in re.split(r"\n\s*\n", text))


def _providers(packages: Mapping[str, Message]) -> dict[str, str]:
    """Who in the image answers to a name: the package itself, else one that provides it."""
    provided = {
        name: package
        for package, each in sorted(packages.items(), reverse=True)
        for names in _relation(each.get("Provides", ""))
        for name in names
    }
    return provided | {name: name for name in packages}


def _needs(package: Message, providers: Mapping[str, str]) -> set[str]:
    """Follow Depends and Pre-Depends; of alternatives, the first that is in the image."""
    groups = [*_relation(package.get("Pre-Depends", "")), *_relation(package.get("Depends", ""))]
    answers = (next((providers[name] for name in names if name in providers), "") for names in groups)
    return {each for each in answers if each}


def _relation(field: str) -> list[list[str]]:
    """Read `a (>= 1), b:any | c` as [[a], [b, c]]."""
    groups = (group.split("|") for group in field.split(",") if group.strip())
    return [[found[0] for each in group if (found := NAME.match(each.strip()))] for group in groups]


def _purl(package: Message, distribution: Mapping[str, str]) -> PackageURL:
    vendor, release = distribution.get("ID", "debian"), distribution.get("VERSION_ID", "")
    qualifiers = {"arch": package["Architecture"]} | ({"distro": f"{vendor}-{release}"} if release else {})
    return PackageURL("deb", vendor, package["Package"], package["Version"], qualifiers)


def _distribution(root: Path) -> dict[str, str]:
    """Read os-release, which in an image is often an absolute link, out of its root."""
    places = (root / "usr/lib/os-release", root / "etc/os-release")
    file = next((each for each in places if each.is_file()), None)
    lines = file.read_text(encoding="utf-8").splitlines() if file else []
    return {key: value.strip("\"'") for key, _, value in (each.partition("=") for each in lines)}
