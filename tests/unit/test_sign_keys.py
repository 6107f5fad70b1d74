"""The key that the stage sign takes: where it is found, how it is refused, and that nobody is told it."""

import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from potstill.artifacts import SIGNATURE
from potstill.errors import InputError, OptionError
from potstill.evidence.layout import attestation_path
from potstill.evidence.statements import statements_of
from potstill.evidence.whole import evidence_of
from potstill.sign import SignConfig, sign_release
from potstill.signing.certificates import CERTIFICATE
from potstill.signing.dsse import open_envelope
from potstill.signing.keys import KEY, PASSPHRASE, new_key, public_path, read_private
from potstill.signing.model_signature import check_signature
from potstill.signing.trust import read_trusted
from tests import unsigned
from tests.published import files_of
from tests.signed import Authority, certify

ROOT = Path(__file__).parents[2]
SECRET = "the canary in the coal mine"
made, key, release = unsigned.made, unsigned.key, unsigned.release  # pytest looks for fixtures in the module that asks


def test_the_key_may_be_named_by_the_environment(release, key, tmp_path, monkeypatch):
    monkeypatch.setenv(KEY, str(key))
    sign_release(release, tmp_path / "bundle", SignConfig())
    assert check_signature(
        tmp_path / "bundle", (tmp_path / "bundle" / SIGNATURE).read_bytes(), read_trusted([public_path(key)])
    )


def test_a_key_that_a_cluster_mounts_is_found_and_the_environment_comes_first(release, key, tmp_path, monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setattr("potstill.sign.stage.MOUNTED_KEY", key)  # its own place is root's, on a machine of its own
    for signer in (key, tmp_path / "another.pem"):
        if not signer.exists():
            new_key(signer)
            monkeypatch.setenv(KEY, str(signer))
        sign_release(release, tmp_path / signer.stem, SignConfig())
        data = (tmp_path / signer.stem / SIGNATURE).read_bytes()
        check_signature(tmp_path / signer.stem, data, read_trusted([public_path(signer)]))


def test_a_certificate_may_be_named_by_the_environment(release, key, tmp_path, monkeypatch):
    root = Authority.root()
    monkeypatch.setenv(CERTIFICATE, str(certify(key, root)))
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    data = (tmp_path / "bundle" / SIGNATURE).read_bytes()
    signed = check_signature(tmp_path / "bundle", data, read_trusted([], [root.write(tmp_path / "root.pem")]))
    assert signed.signer == "CN=release.example"
    stem = next(iter(statements_of(evidence_of(tmp_path / "bundle"))))
    assert open_envelope((tmp_path / "bundle" / attestation_path(stem)).read_bytes(), [signed.key])


def test_a_certificate_in_the_mounted_secret_is_found(release, key, tmp_path, monkeypatch):
    root = Authority.root()
    certify(key, root)
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setattr("potstill.sign.stage.MOUNTED_KEY", key)
    sign_release(release, tmp_path / "bundle", SignConfig())
    data = (tmp_path / "bundle" / SIGNATURE).read_bytes()
    signed = check_signature(tmp_path / "bundle", data, read_trusted([], [root.write(tmp_path / "root.pem")]))
    assert signed.signer == "CN=release.example"


BAD_KEYS = {
    "none named": (lambda _: None, OptionError, f"no key to sign with; set {KEY} to the path of its file"),
    "the key itself": (lambda key: key.read_text(), OptionError, f"{KEY} holds a key or a certificate itself"),
    "no file": (lambda key: f"{key}.lost", InputError, "cannot be read (No such file or directory)"),
    "the public half": (public_path, InputError, "holds a public key; pass the private key"),
    "a folder": (lambda key: key.parent, InputError, "cannot be read (Is a directory)"),
}


@pytest.mark.parametrize("what", BAD_KEYS)
def test_a_bad_key_is_refused_before_any_work(what, made, key, tmp_path, monkeypatch):
    make, kind, why = BAD_KEYS[what]
    given = make(key)
    monkeypatch.delenv(KEY, raising=False)
    if given is not None:
        monkeypatch.setenv(KEY, str(given))
    with pytest.raises(kind, match=re.escape(why)) as refused:
        sign_release(made, tmp_path / "bundle", SignConfig())
    assert not (tmp_path / "bundle").exists()
    assert canaries(key) & set("".join(traceback.format_exception(refused.value)).split()) == set()


def canaries(key):
    """Whatever would give a key away: its lines, its number in two ways of writing."""
    number = read_private(key).private_numbers().private_value
    return {*key.read_text().splitlines()[1:-1], str(number), f"{number:x}"}


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_that_is_written_or_said_holds_the_key(fails, release, tmp_path, monkeypatch):
    """A canary: the key's own text, its number, its path and its passphrase, in all that a run leaves behind."""
    monkeypatch.setenv(PASSPHRASE, SECRET)
    key = tmp_path / "kept" / "canary-of-a-name.pem"
    key.parent.mkdir()
    new_key(key)
    if fails:
        (release / "models/onnx/model.onnx").write_bytes(b"evil")
    command = [sys.executable, "-X", "dev", "-m", "potstill.sign", "--release", release, "--bundle", tmp_path / "out"]
    environment = {**os.environ, KEY: str(key), "PYTHONWARNINGS": "default"}
    ended = subprocess.run(command, check=False, env=environment, cwd=ROOT, capture_output=True)
    assert ended.returncode == (2 if fails else 0)
    left = [ended.stdout, ended.stderr, *(files_of(tmp_path / "out").values() if not fails else [])]
    secrets = [*canaries(key), SECRET, key.name]
    assert [each for each in secrets if any(each.encode() in text for text in left)] == []
    assert fails or any(b"signed by the key" in text for text in left)
