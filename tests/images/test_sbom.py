"""What is in an image: on small file systems made of real metadata, and on this very environment."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

import images
from images.sbom import ImageFacts, write_sbom
from potstill import __version__
from tests import image_roots
from tests.docker_engine import require_image
from tests.image_roots import COPYRIGHT, DISTRIBUTIONS, SITE, STATUS, components, facts, require, written

LOCKS = Path(images.__file__).with_name("locks")
PYTHON = """
Package: python3.11
Status: install ok installed
Maintainer: Matthias Klose <doko@debian.org>
Architecture: amd64
Version: 3.11.2-6+deb12u6
Depends: libc6 (>= 2.17)
"""
root = image_roots.root  # pytest looks for fixtures in the module that asks


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
