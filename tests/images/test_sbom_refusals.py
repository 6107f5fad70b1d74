"""What is not written: of broken images, of other locks, and for wrong arguments."""

import shutil
from pathlib import Path

import pytest

from images.commands import run
from images.sbom import main, write_sbom
from potstill.errors import InputError, OptionError
from tests import image_roots
from tests.image_roots import SITE, STATUS, facts, require, written

root = image_roots.root  # pytest looks for fixtures in the module that asks


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
