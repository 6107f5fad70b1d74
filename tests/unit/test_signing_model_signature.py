"""The signature over a folder: the same each time, over every file, and nothing about it can be changed."""

import base64
import json
import os
import shutil
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from potstill.artifacts import scan
from potstill.errors import ArtifactError, InputError
from potstill.signing.canonical import canonical
from potstill.signing.closed_set import file_digests
from potstill.signing.dsse import envelope_of
from potstill.signing.keys import CURVES, key_id
from potstill.signing.model_signature import check_signature, read_signature, sign_folder, statement_of
from potstill.signing.trust import Signer, Trusted

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
ME = Trusted(keys=(KEY.public_key(),))
FILES = {
    "artifact.json": b"{}",
    "a/b": b"1",
    "a.b": b"2",
    "models/onnx/model.onnx": b"weights",
    ".git/config": b"3",
    ".gitignore": b"4",
    "中文/é": b"5",
    "nested/model.sig": b"of another",
}


@pytest.fixture
def folder(tmp_path):
    for name, data in FILES.items():
        path = tmp_path / "bundle" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "bundle"


def signature(folder, key=KEY, name="headlines-1.0.0"):
    return sign_folder(folder, Signer(key), name)


@pytest.mark.parametrize("curve", CURVES)
def test_a_signature_tells_what_was_signed(folder, curve):
    key = ec.generate_private_key(CURVES[curve]())
    signed = check_signature(folder, signature(folder, key), Trusted(keys=(key.public_key(),)))
    assert set(signed.files) == set(FILES)
    assert signed.name == "headlines-1.0.0"
    assert signed.key == key.public_key()
    assert key_id(key.public_key()) in signed.signer


def test_the_same_files_name_and_key_give_the_same_bytes_anywhere(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "model.sig").write_bytes(b"an older one")
    made = signature(folder)
    assert signature(tmp_path / "elsewhere") == made
    assert signature(folder, OTHER) != made
    assert signature(folder, name="headlines-1.0.1") != made


def test_the_digest_is_over_the_files_folder_by_folder(folder):
    signed = read_signature(signature(folder), ME)
    assert list(signed.files) == [
        *(".git/config", ".gitignore", "a/b", "a.b", "artifact.json"),
        *("models/onnx/model.onnx", "nested/model.sig", "中文/é"),
    ]


def add(name):
    def change(folder):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    return change


def link(target):
    def change(folder):
        (folder / "a.b").unlink()
        (folder / "a.b").symlink_to(target)

    return change


def listen(folder):
    """Leave a socket among the files; its address must be short, so it is made from inside."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("strange")
    finally:
        os.chdir(here)


CHANGES = {
    "changed": (lambda folder: (folder / "a.b").write_bytes(b"9"), "changed a.b;"),
    "changed in .git": (lambda folder: (folder / ".git" / "config").write_bytes(b"9"), "changed .git/config;"),
    "emptied": (lambda folder: (folder / "a.b").write_bytes(b""), "changed a.b;"),
    "removed": (lambda folder: (folder / "a.b").unlink(), "missing a.b;"),
    "renamed": (lambda folder: (folder / "a.b").rename(folder / "a.c"), "missing a.b, extra a.c;"),
    "swapped": (
        lambda folder: ((folder / "a.b").write_bytes(b"1"), (folder / "a" / "b").write_bytes(b"2")),
        "changed a.b, changed a/b;",
    ),
    "added": (add("extra"), "extra extra;"),
    "added to .git": (add(".git/hooks/post-checkout"), "extra .git/hooks/post-checkout;"),
    "added .gitattributes": (add(".gitattributes"), "extra .gitattributes;"),
    "added .github": (add(".github/workflows/x"), "extra .github/workflows/x;"),
    "added hidden": (add(".DS_Store"), "extra .DS_Store;"),
    "added bytecode": (add("__pycache__/x.pyc"), "extra __pycache__/x.pyc;"),
    "another signature inside": (add("a/model.sig"), "extra a/model.sig;"),
    "added with a line break": (add("a\nb"), "extra a\\nb;"),
    "an empty folder": (lambda folder: (folder / "empty").mkdir(), "neither a plain file nor a folder of such: empty"),
    "a link to the same bytes": (link("nested/../a.b.copy"), "neither a plain file nor a folder of such: a.b"),
    "a link to a file": (link("a/b"), "neither a plain file nor a folder of such: a.b"),
    "a link to a folder": (link("a"), "neither a plain file nor a folder of such: a.b"),
    "a pipe": (lambda folder: os.mkfifo(folder / "pipe"), "neither a plain file nor a folder of such: pipe"),
    "a socket": (listen, "neither a plain file nor a folder of such: strange"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_folder_is_refused(what, folder):
    made = signature(folder)
    change, why = CHANGES[what]
    change(folder)
    with pytest.raises(ArtifactError) as refused:
        check_signature(folder, made, ME)
    assert why in f"{refused.value};"
    assert "\n" not in str(refused.value)


def test_a_signature_that_is_a_link_is_refused(folder):
    made = signature(folder)
    (folder / "model.sig").symlink_to("a.b")
    with pytest.raises(ArtifactError, match=r"neither a plain file nor a folder of such: model\.sig"):
        check_signature(folder, made, ME)


@pytest.mark.parametrize("place", ["nowhere", "a.b"])
def test_what_is_no_folder_is_refused(place, folder):
    with pytest.raises(ArtifactError, match="is not a folder"):
        check_signature(folder / place, signature(folder), ME)


def test_what_no_text_can_name_is_not_signed(folder):
    (folder / os.fsdecode(b"\xff")).write_bytes(b"")
    with pytest.raises(InputError, match="half a character"):
        signature(folder)


@pytest.mark.parametrize("trusted", [Trusted(), Trusted(keys=(OTHER.public_key(),))])
def test_another_key_is_not_trusted(folder, trusted):
    with pytest.raises(InputError, match=f"is signed by the key '{key_id(KEY.public_key())}'; trusted: "):
        check_signature(folder, signature(folder), trusted)


def forged(folder, **fields):
    """A signature whose statement is another, signed by the right key all the same."""
    digests = dict(read_signature(signature(folder), ME).files)
    statement = statement_of(digests, "headlines-1.0.0")
    predicate = {**statement["predicate"], **fields.pop("predicate", {})}
    bundle = json.loads(signature(folder))
    bundle["dsseEnvelope"] = envelope_of(canonical({**statement, "predicate": predicate, **fields}), KEY)
    return canonical(bundle)


SERIAL = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": ["model.sig"]}
FORGED = {
    "another predicate": {"predicateType": "https://slsa.dev/provenance/v1"},
    "another type": {"_type": "https://in-toto.io/Statement/v0.1"},
    "another whole": {"subject": [{"name": "a", "digest": {"sha256": "0" * 64}}]},
    "a second subject": {"subject": [{"name": "a", "digest": {"sha256": "0" * 64}}] * 2},
    "no subject": {"subject": []},
    "a name that is none": {"subject": [{"name": 5, "digest": {"sha256": "0" * 64}}]},
    "further fields": {"more": 1},
    "further fields of the predicate": {"predicate": {"more": 1}},
    "certificates of a bare key": {"predicate": {"certificates": []}},
    "links allowed": {"predicate": {"serialization": {**SERIAL, "allow_symlinks": True}}},
    "nothing ignored": {"predicate": {"serialization": {**SERIAL, "ignore_paths": []}}},
    "models ignored": {"predicate": {"serialization": {**SERIAL, "ignore_paths": ["model.sig", "models"]}}},
    "another hash": {"predicate": {"serialization": {**SERIAL, "hash_type": "blake2b"}}},
    "shards": {"predicate": {"serialization": {**SERIAL, "method": "shards", "shard_size": 9}}},
    "no files": {"predicate": {"resources": []}},
    "files that are none": {"predicate": {"resources": "all"}},
    "files without digests": {"predicate": {"resources": [{"name": "a"}]}},
    "digests that are none": {"predicate": {"resources": [{"name": "a", "algorithm": "sha256", "digest": "zz"}]}},
    "names that are none": {"predicate": {"resources": [{"name": 1, "algorithm": "sha256", "digest": "00"}]}},
}


@pytest.mark.parametrize("what", FORGED)
def test_a_statement_of_another_form_is_refused_though_well_signed(what, folder):
    with pytest.raises(InputError, match="does not sign a folder as"):
        check_signature(folder, forged(folder, **FORGED[what]), ME)


def test_the_forger_of_these_tests_can_sign_well(folder):
    assert check_signature(folder, forged(folder), ME).files


def bundle_with(folder, **fields):
    made = json.loads(signature(folder))
    return canonical({**made, **fields})


def with_twin(folder):
    made = json.loads(signature(folder))
    signed = made["dsseEnvelope"]["signatures"][0]
    r, s = decode_dss_signature(base64.b64decode(signed["sig"]))
    signed["sig"] = base64.b64encode(encode_dss_signature(r, KEY.curve.group_order - s)).decode()
    return canonical(made)


HINT = {"hint": key_id(KEY.public_key())}
SPELLINGS = {
    "white space": (lambda folder: json.dumps(json.loads(signature(folder))).encode(), "not canonical JSON"),
    "the twin of the signature": (with_twin, "was not made by the key"),
    "no signature": (lambda _: b"", "strict JSON"),
    "a list": (lambda _: b"[]", "not a Sigstore bundle"),
    "a further field": (lambda folder: bundle_with(folder, more=1), "not a Sigstore bundle"),
    "another version": (lambda folder: bundle_with(folder, mediaType="v0.1"), "not a Sigstore bundle of the kind"),
    "another key's hint": (
        lambda folder: bundle_with(folder, verificationMaterial={"publicKey": {"hint": "ab"}, "tlogEntries": []}),
        "is signed by the key 'ab'; trusted: the key",
    ),
    "no hint": (
        lambda folder: bundle_with(folder, verificationMaterial={"publicKey": {}, "tlogEntries": []}),
        "is signed by the key 'None'",
    ),
    "a hint that is none": (
        lambda folder: bundle_with(folder, verificationMaterial={"publicKey": ["\n" * 999], "tlogEntries": []}),
        "is signed by the key 'None'",
    ),
    "a log entry": (
        lambda folder: bundle_with(folder, verificationMaterial={"publicKey": HINT, "tlogEntries": [{}]}),
        "does not say in the one known way",
    ),
    "a time stamp": (
        lambda folder: bundle_with(
            folder, verificationMaterial={"publicKey": HINT, "tlogEntries": [], "timestampVerificationData": {}}
        ),
        "does not say in the one known way",
    ),
    "nobody": (lambda folder: bundle_with(folder, verificationMaterial={"tlogEntries": []}), "in the one known way"),
    "neither key nor certificate": (
        lambda folder: bundle_with(folder, verificationMaterial={"tlogEntries": [], "x": 1}),
        "names neither a key nor a certificate",
    ),
    "no certificates": (
        lambda folder: bundle_with(
            folder, verificationMaterial={"tlogEntries": [], "x509CertificateChain": {"certificates": []}}
        ),
        "names neither a key nor a certificate",
    ),
    "certificates that are none": (
        lambda folder: bundle_with(
            folder,
            verificationMaterial={"tlogEntries": [], "x509CertificateChain": {"certificates": [{"rawBytes": "AAAA"}]}},
        ),
        "is not a certificate",
    ),
    "certificates without bytes": (
        lambda folder: bundle_with(
            folder, verificationMaterial={"tlogEntries": [], "x509CertificateChain": {"certificates": [5]}}
        ),
        "is not base64",
    ),
}


@pytest.mark.parametrize("what", SPELLINGS)
def test_another_spelling_is_refused(what, folder):
    make, why = SPELLINGS[what]
    with pytest.raises(InputError, match=why) as refused:
        check_signature(folder, make(folder), ME)
    assert len(str(refused.value)) < 400


def test_no_byte_of_a_signature_can_be_changed(folder):
    made = signature(folder)
    for place in range(len(made)):
        flipped = bytearray(made)
        flipped[place] ^= 1 + place % 255
        with pytest.raises(InputError):
            read_signature(bytes(flipped), ME)


def test_no_length_of_a_signature_can_be_cut(folder):
    made = signature(folder)
    for length in range(len(made)):
        with pytest.raises(InputError):
            read_signature(made[:length], ME)


@pytest.fixture
def closed():
    """A folder with a folder in it that nobody may list, and nobody as the user; root may list everything."""
    with TemporaryDirectory() as home:  # pytest's own folders are closed to others
        inner = Path(home) / "bundle" / "closed"
        inner.mkdir(parents=True)
        (inner / "extra").write_bytes(b"x")
        (inner.parent / "a").write_bytes(b"a")
        Path(home).chmod(0o755)
        inner.chmod(0)
        user = os.geteuid()
        os.seteuid(user or 65534)
        try:
            yield inner.parent
        finally:
            os.seteuid(user)
            inner.chmod(0o700)


@pytest.mark.parametrize("read", [file_digests, scan])
def test_a_folder_that_cannot_be_listed_is_named(read, closed):
    with pytest.raises(ArtifactError, match=r"/bundle/closed cannot be listed \(Permission denied\); let this user"):
        read(closed)
