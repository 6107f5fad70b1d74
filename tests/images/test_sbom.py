"""What is in an image: on small file systems made of real metadata, and on this very environment."""

import hashlib
import json
import shutil
import subprocess
import sys
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

import images
from images.commands import run
from images.sbom import ImageFacts, main, write_sbom
from potstill import __version__
from potstill.errors import InputError, OptionError
from tests.docker_engine import require_image

LOCKS = Path(images.__file__).with_name("locks")
SITE = Path("opt/potstill/lib/python3.11/site-packages")
# Out of a Debian 12, with the fields that are read and one of those that are not.
STATUS = """\
Package: libc6
Status: install ok installed
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: amd64
Version: 2.36-9+deb12u10
Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10~)
Description: GNU C Library: Shared libraries
 Contains the standard libraries that are used by nearly all programs on
 the system.
 .
 It is not optional.

Package: libgcc-s1
Status: install ok installed
Maintainer: Debian GCC Maintainers <debian-gcc@lists.debian.org>
Architecture: amd64
Version: 12.2.0-14
Provides: libgcc1 (= 1:12.2.0-14)
Depends: gcc-12-base (= 12.2.0-14), libc6 (>= 2.35)

Package: dash
Status: install ok installed
Maintainer: Andrej Shadura <andrewsh@debian.org>
Architecture: amd64
Version: 0.5.12-2
Pre-Depends: libc6 (>= 2.36), libgcc1 | nothing:any
Depends: debianutils (>= 5.6-0.1), mail-agent

Package: exim4
Status: deinstall ok config-files
Architecture: amd64
Version: 4.96-15
Provides: mail-agent
"""
PYTHON = """
Package: python3.11
Status: install ok installed
Maintainer: Matthias Klose <doko@debian.org>
Architecture: amd64
Version: 3.11.2-6+deb12u6
Depends: libc6 (>= 2.17)
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: BSD-3-clause and GPL-2+

Files: debian/*
License: Expat
 Permission is hereby granted, free of charge, …

License: BSD-3-clause
 Redistribution and use in source and binary forms, …
"""
DISTRIBUTIONS = ("potstill", "matplotlib", "python-dateutil", "six", "numpy", "boto3", "torch", "packaging", "colorama")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The file system of an image: Debian's libc and shell, a Python of its own, metadata of a few distributions."""
    made = tmp_path / "root"
    for folder in (SITE, "var/lib/dpkg", "usr/share/doc/dash", "usr/lib"):
        (made / folder).mkdir(parents=True)
    (made / "var/lib/dpkg/status").write_text(STATUS)
    (made / "usr/share/doc/dash/copyright").write_text(COPYRIGHT)
    (made / "usr/lib/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n')
    (made / "opt/potstill/pyvenv.cfg").write_text("home = /usr/local/bin\nversion = 3.11.9\n")
    for name in DISTRIBUTIONS:
        folder = Path(distribution(name)._path)
        shutil.copytree(folder, made / SITE / folder.name, ignore=shutil.ignore_patterns("licenses", "RECORD"))
    return made


def facts(stage: str = "prune", **known) -> ImageFacts:
    return ImageFacts(f"potstill/{stage}", __version__, **known)


def written(root: Path, image: ImageFacts | None = None) -> dict:
    path = root.parent / "sbom.json"
    write_sbom(root, image or facts(), path)
    return json.loads(path.read_text(encoding="utf-8"))


def components(sbom: dict) -> dict[str, dict]:
    return {each["name"]: each for each in sbom["components"]}


def edges(sbom: dict) -> dict[str, set[str]]:
    """Who depends on whom, by name: the part of a package URL before the version."""
    names = {each["bom-ref"]: each["name"] for each in [*sbom["components"], sbom["metadata"]["component"]]}
    return {
        names[each["ref"]]: {names[target] for target in each.get("dependsOn", [])} for each in sbom["dependencies"]
    }


def test_it_names_what_is_there(root):
    found = components(written(root))
    assert set(found) == {*DISTRIBUTIONS, "libc6", "libgcc-s1", "dash", "python"}
    version = distribution("numpy").version
    assert found["numpy"]["purl"] == f"pkg:pypi/numpy@{version}"
    assert found["numpy"]["version"] == version
    assert found["potstill"]["type"] == "application"
    assert found["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12"
    assert found["libc6"]["publisher"] == "GNU Libc Maintainers <debian-glibc@lists.debian.org>"


def test_the_image_itself(root):
    digest = "sha256:" + 64 * "a"
    sbom = written(root, facts(revision="1234abc", digest=digest))
    image = sbom["metadata"]["component"]
    assert (image["type"], image["name"], image["version"]) == ("container", "potstill/prune", __version__)
    assert image["bom-ref"] == digest
    assert {each["name"]: each["value"] for each in image["properties"]} == {
        "digest": digest,
        "org.opencontainers.image.revision": "1234abc",
    }
    assert sbom["specVersion"] == "1.6"
    # What nobody else needs: the rest is reached from it.
    assert edges(sbom)["potstill/prune"] == {"potstill", "dash", "colorama"}


@pytest.mark.parametrize(("stage", "needs"), [("prune", True), ("qat", True), ("tokenize", False), ("validate", True)])
def test_the_stage_s_extra_decides_what_potstill_needs(root, stage, needs):
    found = edges(written(root, facts(stage)))["potstill"]
    assert ("matplotlib" in found) is needs
    assert {"numpy", "boto3", "python"} <= found


def test_edges_follow_requirements_that_hold_in_the_image(root):
    found = edges(written(root))
    assert found["matplotlib"] == {"numpy", "packaging", "python-dateutil"}
    assert found["python-dateutil"] == {"six"}
    assert found["six"] == set()


def require(root: Path, name: str, *lines: str) -> None:
    metadata = next((root / SITE).glob(f"{name}-*")) / "METADATA"
    head, _, body = metadata.read_text().partition("\n\n")
    metadata.write_text("\n".join((head, *(f"Requires-Dist: {line}" for line in lines), "", body)))


def test_markers_are_evaluated_for_the_image_and_not_for_this_machine(root):
    require(
        root,
        "six",
        'numpy; platform_machine == "aarch64" and sys_platform == "linux"',
        'boto3; platform_machine == "x86_64"',
        'colorama; python_full_version == "3.11.9"',
        'torch; sys_platform == "win32"',
    )
    assert edges(written(root))["six"] == {"boto3", "colorama"}
    (root / "var/lib/dpkg/status").write_text(STATUS.replace("amd64", "arm64"))
    assert edges(written(root))["six"] == {"numpy", "colorama"}


def test_an_extra_that_a_distribution_asks_for_brings_its_requirements(root):
    require(root, "six", "colorama[Loud_Ones]")
    require(root, "colorama", "numpy; extra == 'loud-ones'", "boto3; extra == 'quiet-ones'")
    found = edges(written(root))
    assert found["six"] == {"colorama"}
    assert found["colorama"] == {"numpy"}


def test_debian_s_edges_with_alternatives_and_virtual_packages(root):
    found = edges(written(root))
    assert found["dash"] == {"libc6", "libgcc-s1"}  # libgcc1 is provided by libgcc-s1; exim4 is gone
    assert found["libc6"] == {"libgcc-s1"}
    assert found["libgcc-s1"] == {"libc6"}


def test_licences(root):
    (root / "usr/share/doc/libc6").mkdir()
    (root / "usr/share/doc/libc6/copyright").write_text("This is the Debian prepackaged version of the GNU C Library.")
    found = components(written(root))

    def licences(name):
        given = [each.get("license", each) for each in found[name].get("licenses", [])]
        return sorted(each.get("id") or each.get("expression") or each["name"] for each in given)

    assert licences("dash") == ["BSD-3-Clause", "BSD-3-clause and GPL-2+", "Expat"]
    assert licences("libc6") == []
    assert licences("potstill") == ["Apache-2.0"]
    assert licences("packaging") == ["Apache-2.0 OR BSD-2-Clause"]
    assert licences("six") == ["MIT"]
    assert licences("colorama") == ["BSD License"]  # which one, its metadata does not say
    assert licences("python-dateutil") == ["Apache Software License", "BSD License"]


def test_a_licence_of_this_machine_is_not_the_image_s(root, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text(COPYRIGHT)
    (root / "usr/share/doc/dash/copyright").unlink()
    (root / "usr/share/doc/dash/copyright").symlink_to(outside)
    assert "licenses" not in components(written(root))["dash"]


def test_python_of_debian_and_python_of_the_base_image(root):
    own = components(written(root))["python"]
    assert (own["purl"], own["version"]) == ("pkg:generic/python@3.11.9", "3.11.9")
    assert own["cpe"] == "cpe:2.3:a:python:python:3.11.9:*:*:*:*:*:*:*"
    (root / "var/lib/dpkg/status").write_text(STATUS + PYTHON)
    (root / "opt/potstill/pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n")
    sbom = written(root)
    assert "python" not in components(sbom)
    assert "python3.11" in edges(sbom)["potstill"]


def test_what_the_base_image_brought_is_in_it_too(root):
    below = root / "usr/local/lib/python3.11/site-packages"
    for name in ("pip-25.0.1", "six-1.0"):
        (below / f"{name}.dist-info").mkdir(parents=True)
        text = f"Metadata-Version: 2.1\nName: {name.partition('-')[0]}\nVersion: {name.partition('-')[2]}\n"
        (below / f"{name}.dist-info" / "METADATA").write_text(text)
    found = components(written(root))
    assert found["pip"]["version"] == "25.0.1"
    assert found["six"]["version"] == distribution("six").version


def test_the_same_image_gives_the_same_bytes_and_another_another_serial_number(root, tmp_path):
    for name in ("one", "two"):
        write_sbom(root, facts(revision="1234abc"), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    first = json.loads((tmp_path / "one").read_text())
    assert "timestamp" not in first["metadata"]
    others = [written(root, facts(revision=revision))["serialNumber"] for revision in ("1234abc", "5678def")]
    assert others[0] == first["serialNumber"] != others[1]


def lock_of(root: Path, **hashes: tuple[str, ...]) -> Path:
    path = root.parent / "lock.txt"
    lines = ["# Made by `make lock`; do not edit."]
    for name, given in hashes.items():
        lines += [f"{name}=={distribution(name).version} \\", *(f"    --hash=sha256:{each} \\" for each in given)]
        lines[-1] = lines[-1].removesuffix(" \\")
    path.write_text("\n".join(lines) + "\n")
    return path


def hash_of(sbom: dict, name: str) -> list[str]:
    return [each["content"] for each in components(sbom)[name].get("hashes", []) if each["alg"] == "SHA-256"]


def test_hashes_are_the_lock_s_where_it_admits_one_file(root):
    path = lock_of(root, numpy=("a" * 64,), six=("b" * 64, "c" * 64))
    sbom = written(root, facts(locks=(path,)))
    assert hash_of(sbom, "numpy") == ["a" * 64]
    assert hash_of(sbom, "six") == []  # which of the two it was, nobody knows
    assert hash_of(sbom, "boto3") == []


def test_hashes_are_those_of_the_wheels_where_they_are_known(root, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    version = distribution("six").version
    (wheels / f"six-{version}-py2.py3-none-any.whl").write_bytes(b"a wheel")
    (wheels / "six-0.1-py2.py3-none-any.whl").write_bytes(b"an old wheel")
    admitted = hashlib.sha256(b"a wheel").hexdigest()
    path = lock_of(root, six=("b" * 64, admitted), numpy=("c" * 64, "d" * 64))
    sbom = written(root, facts(locks=(path,), wheels=wheels))
    assert hash_of(sbom, "six") == [admitted]
    assert hash_of(sbom, "numpy") == []


def test_of_a_lock_for_several_pythons_the_lines_count_that_hold_in_the_image(root):
    path, version = root.parent / "lock.txt", distribution("numpy").version
    path.write_text(
        f"numpy=={version} ; python_full_version < '3.12' \\\n    --hash=sha256:{'a' * 64}\n"
        f"numpy==9.9 ; python_full_version >= '3.12' \\\n    --hash=sha256:{'b' * 64}\n"
    )
    assert hash_of(written(root, facts(locks=(path,))), "numpy") == ["a" * 64]


def test_a_local_version_is_the_one_that_is_pinned(root):
    torch = next((root / SITE).glob("torch-*")) / "METADATA"
    version = distribution("torch").version.partition("+")[0]
    torch.write_text(
        torch.read_text().replace(f"\nVersion: {distribution('torch').version}", f"\nVersion: {version}+x")
    )
    path = root.parent / "lock.txt"
    path.write_text(f"torch=={version} \\\n    --hash=sha256:{'a' * 64}\n")
    assert hash_of(written(root, facts(locks=(path,))), "torch") == ["a" * 64]


def metadata(root: Path) -> Path:
    return next((root / SITE).glob("six-*")) / "METADATA"


def status(root: Path) -> Path:
    return root / "var/lib/dpkg/status"


DAMAGES = {
    "no dpkg": (lambda root: status(root).unlink(), "var/lib/dpkg/status is not there"),
    "dpkg cut": (
        lambda root: status(root).write_text(STATUS[: STATUS.index("Version: 12.2.0")]),
        "libgcc-s1 has no Version",
    ),
    "dpkg rubbish": (
        lambda root: status(root).write_bytes(b"\x7fELF\x00\x01 no package\n\nnor this\n"),
        "is damaged near",
    ),
    "two architectures": (
        lambda root: status(root).write_text(STATUS.replace("amd64", "i386", 1)),
        "packages of amd64, i386",
    ),
    "one package twice": (lambda root: status(root).write_text(f"{STATUS}\n{STATUS}"), "names a package twice"),
    "no metadata": (lambda root: metadata(root).unlink(), "six-.* has no METADATA with a name and a version"),
    "empty metadata": (lambda root: metadata(root).write_text(""), "six-.* has no METADATA with a name and a version"),
    "metadata not UTF-8": (lambda root: metadata(root).write_bytes(b"Name: \xff\xfe\n"), "is not UTF-8"),
    "a requirement that is none": (lambda root: require(root, "six", ">>>"), "six: Requires-Dist cannot be read"),
    "a distribution twice": (
        lambda root: shutil.copytree(metadata(root).parent, root / SITE / "six-0.1.dist-info"),
        "holds six twice",
    ),
    "no potstill": (lambda root: shutil.rmtree(next((root / SITE).glob("potstill-*"))), "holds no potstill"),
    "no venv": (lambda root: (root / "opt/potstill/pyvenv.cfg").unlink(), "names no version of Python"),
    "venv of nothing": (
        lambda root: (root / "opt/potstill/pyvenv.cfg").write_text("home = /usr/bin\n"),
        "names no version of Python",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_broken_image_is_refused_in_one_line_and_nothing_is_written(root, tmp_path, what):
    damage, said = DAMAGES[what]
    damage(root)
    path = tmp_path / "out.json"
    with pytest.raises(InputError, match=said) as refused:
        write_sbom(root, facts(), path)
    assert "\n" not in str(refused.value)
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# nothing\n", "pins nothing"),
        ("six==0.1 --hash=sha256:00\n", "six .*, pinned is ==0.1; pass its own"),
        ("--index-url=x\n", "is no requirement"),
    ],
)
def test_another_lock_is_refused(root, text, said):
    path = root.parent / "lock.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        written(root, facts(locks=(path,)))


def test_facts_that_are_none_are_refused(root):
    with pytest.raises(OptionError, match="no stage is called 'prunes'"):
        written(root, facts("prunes"))
    with pytest.raises(OptionError, match="digest must be sha256"):
        facts(digest="sha256:abc")


def test_every_distribution_of_this_environment_is_in_it(root):
    shutil.rmtree(root / SITE)
    here = Path(distribution("numpy")._path).parent
    (root / SITE).symlink_to(here)
    found = [each for each in written(root)["components"] if each["purl"].startswith("pkg:pypi/")]
    names = {canonicalize_name(each.name) for each in distributions(path=[str(here)])}
    assert {canonicalize_name(each["name"]) for each in found} == names
    assert len(found) == len(names) > 100


def test_the_command(root, tmp_path):
    out = tmp_path / "out.json"
    command = (sys.executable, "-m", "images.sbom", root, "--image", "potstill/prune:0.1.0", "--out", out)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{out}: {len(DISTRIBUTIONS) + 4} components, ")
    assert json.loads(out.read_text())["metadata"]["component"]["version"] == "0.1.0"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--image", "potstill/prune"), "has no tag"),
        (("--image", "potstill/prune:1", "--lock", "nowhere.txt"), "nowhere.txt: No such file"),
        (("--image", "potstill/prune:1", "--out", "no/folder.json"), "No such file"),
        (("--image", "potstill/prune:1", "--digest", "abc"), "digest must be sha256"),
        ((), "--image"),
    ],
)
def test_what_the_command_refuses(root, tmp_path, capsys, arguments, said):
    out = tmp_path / "out.json"
    out.write_text("before")
    assert run("python -m images.sbom", main, [str(root), "--out", str(out), *arguments]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("potstill: error: ")
    assert said in told.err
    assert out.read_text() == "before"


@pytest.mark.docker
def test_of_an_image_it_names_what_the_image_itself_lists(tmp_path):
    name, root = require_image("tokenize"), tmp_path / "root"
    root.mkdir()
    unpack(name, root, "*/pyvenv.cfg", "*.dist-info/*", "var/lib/dpkg/*", "usr/lib/os-release", "usr/share/doc/*")
    inside = ("docker", "run", "--rm", "--network", "none", name)
    listing = "from importlib.metadata import distributions as all; print(*(f'{x.name}={x.version}' for x in all()))"
    python = subprocess.run((*inside, "python", "-c", listing), capture_output=True, text=True, check=True).stdout
    debian = (*inside, "dpkg-query", "--show", "--showformat", "${Package}=${Version}\\n")
    listed = python.split() + subprocess.run(debian, capture_output=True, text=True, check=True).stdout.split()
    found = written(root, ImageFacts("potstill/tokenize", __version__, locks=(LOCKS / "tokenize.txt",)))
    assert sorted(f"{each['name']}={each['version']}" for each in found["components"]) == sorted(listed)
    assert len(listed) > 50


def unpack(image: str, root: Path, *wanted: str) -> None:
    """Take some files out of an image, without running it."""
    create = ("docker", "create", "--network", "none", image)
    container = subprocess.run(create, capture_output=True, text=True, check=True).stdout.strip()
    try:
        with subprocess.Popen(("docker", "export", container), stdout=subprocess.PIPE) as export:
            subprocess.run(("tar", "-xC", root, "--wildcards", *wanted), stdin=export.stdout, check=True)
    finally:
        subprocess.run(("docker", "rm", container), capture_output=True, check=True)
