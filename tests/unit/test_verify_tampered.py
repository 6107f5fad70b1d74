"""Whoever holds no key, or another one, changes a signed bundle: nothing that they do is accepted."""

import itertools
import os
import random
from collections.abc import Iterator

import pytest

from potstill.artifacts import MANIFEST, SIGNATURE
from potstill.evidence.layout import ATTESTATIONS, INDEX, STATEMENTS, VERDICT
from potstill.verify.policy import Policy
from tests.forging import Bundle, Forge, Forgery, attest, edit, remake, reseal, resign, sampled_fields

ADDED = (
    *(".git/config", ".gitignore", ".gitattributes", ".github/x.yml", ".hidden", ".DS_Store", "__pycache__/x.pyc"),
    *("models/onnx/extra.onnx", "models/coreml/model.int8.mlpackage/x", "models/pytorch/pytorch_model.bin"),
    *("report/x.json", "evidence/x.json", "evidence/definition/x", f"evidence/manifests/{'0' * 64}.json"),
    *("attestations/99-x.intoto.json", "evidence/statements/99-x.json", "model.sig.bak", "models/model.sig", "x"),
    *(".unsealed", "artifact.json.part", "models/artifact.json", "readme.md", "Models/onnx/model.onnx", "install.sh"),
    *("README.MD", "a\nb", "a\\b", "\u202egpj.exe", "ＲＥＡＤＭＥ.md", " ", "…", "e\u0301/x", "con", "x" * 200),
)


COUNT = itertools.count()


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    return Forge.make(tmp_path_factory.mktemp("tampered"))


def test_what_is_forged_from_is_proved(forge):
    assert forge.verify().wrong == ()
    assert forge.verify(forge.other).wrong == ()


def bytes_changed(bundle: Bundle) -> Iterator[Forgery]:
    """Of every file: one bit, and a byte less or more."""
    dice = random.Random(0)
    for place, name in enumerate(bundle.files()):
        data = bundle.read(name)
        at = dice.randrange(len(data))
        flipped = data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
        for how, other in (("bit", flipped), ("length", data[:-1] if place % 2 else data + b"\n")):
            yield Forgery(f"{how} {name}", lambda it, name=name, other=other: it.write(name, other))


def files_moved(bundle: Bundle) -> Iterator[Forgery]:
    """Every file taken away, and in the place of the next one; every other one under another name."""
    names = bundle.files()
    for place, name in enumerate(names):
        after = names[(place + 1) % len(names)]
        yield Forgery(f"without {name}", lambda it, name=name: it.remove(name))
        if place % 2:
            yield Forgery(f"renamed {name}", lambda it, name=name: it.rename(name, f"{name}.old"))
        yield Forgery(f"swapped {name}", lambda it, a=name, b=after: _swap(it, a, b))


def files_added(bundle: Bundle) -> Iterator[Forgery]:
    """Files that were not there, and things that are no files."""
    for name in ADDED:
        yield Forgery(f"added {name!r}", lambda it, name=name: it.write(name, b"x"))
    for name in (b"\xff", b"models/\xc3\x28"):
        yield Forgery(f"added {name!r}", lambda it, name=name: _write_raw(it, name))
    for name in (SIGNATURE, MANIFEST, INDEX, VERDICT, "models/onnx/model.onnx", "attestations", "evidence/manifests"):
        yield Forgery(f"linked {name}", lambda it, name=name: _link(it, name))
        yield Forgery(f"pipe {name}", lambda it, name=name: _pipe(it, name))
        yield Forgery(f"folder {name}", lambda it, name=name: _empty(it, name))
    yield Forgery("added an empty folder", lambda it: (it.folder / "empty").mkdir())
    yield Forgery("added an empty .git", lambda it: (it.folder / ".git").mkdir())
    yield Forgery("added a link to nothing", lambda it: (it.folder / "x").symlink_to("nowhere"))
    yield Forgery("added a link to itself", lambda it: (it.folder / "x").symlink_to("x"))
    yield Forgery("added a link to its folder", lambda it: (it.folder / "x").symlink_to("."))
    yield Forgery("added a link to all", lambda it: (it.folder / "x").symlink_to("/"))
    yield Forgery("added a pipe", lambda it: os.mkfifo(it.folder / "x"))


def fields_changed(bundle: Bundle) -> Iterator[Forgery]:
    """Fields of every JSON file, in places all over it."""
    for name, value in sampled_fields(bundle, each=2, seed=1):
        yield Forgery(f"field of {name}", lambda it, name=name, value=value: it.write_json(name, value))


@pytest.mark.parametrize(
    ("family", "least"), [(bytes_changed, 120), (files_moved, 150), (files_added, 60), (fields_changed, 100)]
)
def test_without_a_key_nothing_is_accepted(forge, family, least):
    tried, accepted = forge.accepted(family(Bundle(forge.bundle)))
    assert accepted == []
    assert tried >= least


def signed_by_a_stranger(forge: Forge) -> Iterator[Forgery]:
    """The same, with all repaired that can be, and signed by another key."""
    for repair in (resign, reseal, remake):
        yield Forgery(repair.__name__, lambda it, repair=repair: repair(it, forge.stranger))
    yield Forgery("attested alone", lambda it: attest(it, forge.stranger))
    yield Forgery("with the right hint", lambda it: _hinted(it, forge))
    for name, value in sampled_fields(Bundle(forge.bundle), each=1, seed=2):
        yield Forgery(f"field of {name}", lambda it, name=name, value=value: _resealed(it, name, value, forge.stranger))


def test_what_a_stranger_signed_is_not_accepted(forge):
    tried, accepted = forge.accepted(signed_by_a_stranger(forge))
    assert accepted == []
    assert tried >= 40


def signatures_of_others(forge: Forge) -> Iterator[Forgery]:
    """Signatures and attestations of the same signer, of another bundle."""
    bundle, other = Bundle(forge.bundle), Bundle(forge.other)
    for name in (SIGNATURE, MANIFEST, INDEX, VERDICT, "models/onnx/model.onnx"):
        yield Forgery(f"{name} of another", lambda it, name=name: it.write(name, other.read(name)))
    for name in other.files():
        same = name in bundle.files() and bundle.read(name) == other.read(name)
        if name.startswith((ATTESTATIONS, STATEMENTS)) and not same:
            yield Forgery(f"{name} of another", lambda it, name=name: it.write(name, other.read(name)))
    yield Forgery("seal and signature of another", lambda it: _take(it, other, (SIGNATURE, MANIFEST)))


def test_what_was_signed_for_another_bundle_is_not_accepted(forge):
    tried, accepted = forge.accepted(signatures_of_others(forge))
    assert accepted == []
    assert tried >= 25


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"minimum_version": "1.0.1"}, "an older release"),
        ({"minimum_version": "1.1.0-rc.1"}, "an older release"),
        ({"minimum_version": "2.0.0"}, "an older release"),
        ({"version": "1.0.1"}, "the version is 1.0.0"),
        ({"version": "1.0.0+2"}, "the version is 1.0.0"),
        ({"name": "topics"}, "called headlines"),
        ({"digest": "0" * 64}, "the bundle is"),
        ({"definition": "0" * 64}, "the definition is"),
        ({"required_stages": ("validate", "teacher-ensemble")}, "the stage teacher-ensemble"),
        ({"builders": ("urn:potstill:builder:local",)}, "urn:potstill:builder:kubeflow-pipelines"),
        ({"licence_uses": ("research-only",)}, "the licence is open"),
        ({"verdicts": ("fail",)}, "the verdict is pass"),
    ],
)
def test_an_older_or_another_release_is_not_let_in(forge, asked, said):
    wrong = forge.verify(policy=Policy(**asked)).wrong
    assert len(wrong) == 1
    assert said in wrong[0]


def test_all_that_the_policy_asks_for_is_let_in(forge):
    index = Bundle(forge.bundle).json(INDEX)
    asked = Policy(
        name="headlines",
        version="1.0.0",
        minimum_version="1.0.0-rc.7",
        required_stages=("teacher-train", "validate", "release", "sign"),
        licence_uses=("open",),
        builders=("urn:potstill:builder:kubeflow-pipelines",),
        pinned_images=True,
        definition=index["ships"]["evidence/definition"],
    )
    assert forge.verify(policy=asked).wrong == ()


def test_each_file_that_is_wrong_is_named_with_what_is_wrong(forge):
    def change(bundle: Bundle) -> None:
        bundle.write("models/onnx/model.onnx", b"other")
        bundle.remove("README.md")
        bundle.write("added.txt", b"x")
        edit(bundle, VERDICT, lambda verdict: verdict.update(verdict="fail"))

    wrong = "\n".join(forge.forged(change).wrong)
    for line in (
        "models/onnx/model.onnx was changed",
        "README.md is missing",
        "added.txt was added: nobody signed it",
        "verdict.json was changed",
        "verdict.json says fail, its judgements say pass",
    ):
        assert line in wrong


def _swap(bundle: Bundle, one: str, other: str) -> None:
    first, second = bundle.read(one), bundle.read(other)
    if first == second:
        second += b" "
    bundle.write(one, second)
    bundle.write(other, first)


def _write_raw(bundle: Bundle, name: bytes) -> None:
    (bundle.folder / os.fsdecode(name)).write_bytes(b"x")


def _link(bundle: Bundle, name: str) -> None:
    aside = bundle.folder.parent / f"elsewhere-{next(COUNT)}"
    (bundle.folder / name).rename(aside)
    (bundle.folder / name).symlink_to(aside)


def _pipe(bundle: Bundle, name: str) -> None:
    bundle.rename(name, f"{name}.old")
    os.mkfifo(bundle.folder / name)


def _empty(bundle: Bundle, name: str) -> None:
    bundle.rename(name, f"{name}.old")
    (bundle.folder / name).mkdir()


def _resealed(bundle: Bundle, name: str, value: object, key: object) -> None:
    bundle.write_json(name, value)
    (resign if name in (MANIFEST, SIGNATURE) else reseal)(bundle, key)


def _hinted(bundle: Bundle, forge: Forge) -> None:
    """Signed by a stranger, under the name of the trusted key."""
    hint = bundle.json(SIGNATURE)["verificationMaterial"]
    remake(bundle, forge.stranger)
    edit(bundle, SIGNATURE, lambda signature: signature.update(verificationMaterial=hint))


def _take(bundle: Bundle, other: Bundle, names: tuple[str, ...]) -> None:
    for name in names:
        bundle.write(name, other.read(name))
