"""The Python distributions in an image, what each needs of the others, and the interpreter below them."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.component import Component, ComponentType
from packageurl import PackageURL
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from images import sbom_licences
from images.found import Found
from images.wheel_hashes import Lock
from potstill.errors import InputError

VENV = "opt/potstill"
SITES = (f"{VENV}/lib/python3.*/site-packages", "usr/local/lib/python3.*/site-packages")  # a base may have its own pip
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # Debian's name of an architecture: the kernel's


def environment_of(root: Path, architecture: str) -> dict[str, str]:
    """Make what markers are evaluated for: the image, not the machine that this runs on.

    Args:
        root: the image's file system.
        architecture: Debian's name of it.

    Raises:
        InputError: the virtual environment does not say which Python it is of.
    """
    version = _python_version(root)
    return {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": MACHINES.get(architecture, architecture),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": "linux",
    }


def find(root: Path, extra: str, environment: Mapping[str, str], locked: Lock) -> dict[str, Found]:
    """Find every distribution in an image.

    Args:
        root: the image's file system.
        extra: the extra of potstill that the image holds.
        environment: what markers are evaluated for.
        locked: what was to be installed.

    Returns: by canonical name.

    Raises:
        InputError: a distribution's metadata is broken, or it is there in another version than locked.
    """
    installed = _installed(root)
    if "potstill" not in installed:
        raise InputError(f"{root / VENV} holds no potstill; pass the root of a stage's image")
    locked.refuse_others({name: each.version for name, each in installed.items()})
    needs = _needs(installed, environment, extra)
    purls = {name: str(_purl(each)) for name, each in installed.items()}
    return {
        name: Found(
            _component(each, locked.hash_of(name, each.version)), frozenset(purls[target] for target in needs[name])
        )
        for name, each in installed.items()
    }


def interpreter(root: Path, debian: Mapping[str, Found]) -> Found:
    """Find the Python that the distributions run on: a Debian package, or one that the base image built itself.

    Raises:
        InputError: the virtual environment does not say which.
    """
    version = _python_version(root)
    owner = f"python{version.rpartition('.')[0]}"
    if owner in debian and _of_venv(root, "home").startswith("/usr/bin"):
        return debian[owner]
    purl = PackageURL("generic", name="python", version=version)
    licences = [sbom_licences.MAKE.make_with_id("Python-2.0")]
    cpe = f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*"
    python = Component(name="python", version=version, purl=purl, bom_ref=str(purl), licenses=licences, cpe=cpe)
    return Found(python)


def _installed(root: Path) -> dict[str, Distribution]:
    """Every distribution by canonical name; of a name in both places, that of the virtual environment."""
    found: dict[str, Distribution] = {}
    for site in [folder for pattern in SITES for folder in sorted(root.glob(pattern))]:
        for name, each in _in_site(site).items():
            found.setdefault(name, each)
    return dict(sorted(found.items()))


def _in_site(site: Path) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    for each in distributions(path=[str(site)]):
        name = canonicalize_name(_name(each, site))
        if name in found:
            raise InputError(f"{site} holds {name} twice, {found[name].version} and {each.version}; install it anew")
        found[name] = each
    return found


def _name(each: Distribution, site: Path) -> str:
    try:
        name, version = each.metadata["Name"], each.metadata["Version"]
    except UnicodeDecodeError as broken:
        raise InputError(f"{site}: the metadata of a distribution is not UTF-8; install it anew") from broken
    if not name or not version:
        where = getattr(each, "_path", site)
        raise InputError(f"{where} has no METADATA with a name and a version; install it anew")
    return str(name)


def _needs(installed: Mapping[str, Distribution], environment: Mapping[str, str], extra: str) -> dict[str, set[str]]:
    """Follow Requires-Dist; an extra that somebody asks for brings further requirements."""
    requirements = {name: _requirements(each) for name, each in installed.items()}
    extras = {name: {""} for name in installed}
    extras["potstill"].add(canonicalize_name(extra))
    needs: dict[str, set[str]] = {name: set() for name in installed}
    pending = list(installed)
    while pending:
        name = pending.pop()
        for target, asked in _asked(requirements[name], environment, extras[name], installed):
            needs[name] |= {target} - {name}
            if not asked <= extras[target]:
                extras[target] |= asked
                pending.append(target)
    return needs


def _asked(
    requirements: Iterable[Requirement], environment: Mapping[str, str], extras: set[str], installed: Iterable[str]
) -> Iterable[tuple[str, set[str]]]:
    for each in requirements:
        name, marker = str(canonicalize_name(each.name)), each.marker
        holds = marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras)
        if holds and name in installed:
            yield name, {str(canonicalize_name(extra)) for extra in each.extras}


def _requirements(each: Distribution) -> list[Requirement]:
    try:
        return [Requirement(line) for line in each.requires or []]
    except InvalidRequirement as broken:
        why = str(broken).partition("\n")[0]
        raise InputError(f"{each.metadata['Name']}: Requires-Dist cannot be read ({why}); install it anew") from broken


def _component(each: Distribution, digest: str) -> Component:
    purl = _purl(each)
    return Component(
        type=ComponentType.APPLICATION if purl.name == "potstill" else ComponentType.LIBRARY,
        name=each.metadata["Name"],
        version=each.version,
        purl=purl,
        bom_ref=str(purl),
        licenses=sbom_licences.of_python(each.metadata),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else [],
    )


def _purl(each: Distribution) -> PackageURL:
    return PackageURL("pypi", name=canonicalize_name(each.metadata["Name"]), version=each.version)


def _python_version(root: Path) -> str:
    version = _of_venv(root, "version") or _of_venv(root, "version_info")  # venv's word, and uv's
    if not re.fullmatch(r"3\.\d+\.\d+\S*", version):
        raise InputError(f"{root / VENV}/pyvenv.cfg names no version of Python; pass the root of a stage's image")
    return version


def _of_venv(root: Path, key: str) -> str:
    file = root / VENV / "pyvenv.cfg"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return next(
        (value.strip() for name, _, value in (each.partition("=") for each in lines) if name.strip() == key), ""
    )
