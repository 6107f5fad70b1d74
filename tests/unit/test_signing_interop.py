"""Others read what is signed here: stock model_signing, openssl and cosign, each where it can be run."""

import base64
import importlib.util
import json
import shutil
import subprocess

import pytest

from potstill.evidence.layout import attestation_path, manifest_path
from potstill.signing.dsse import pae
from potstill.signing.keys import CURVES, new_key, public_path
from potstill.signing.model_signature import file_digests, read_signature, sign_folder, statement_of
from potstill.signing.trust import read_signer, read_trusted
from tests.signed import Authority, certify, make_bundle

STOCK = importlib.util.find_spec("model_signing") and importlib.util.find_spec("OpenSSL")
stock = pytest.mark.skipif(not STOCK, reason="model_signing, or the pyOpenSSL that it needs, is not installed")
quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def found(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@pytest.fixture(params=CURVES)
def signed(request, tmp_path):
    """A folder with names that sort in two ways, and files of git; its signature and its public key."""
    folder = tmp_path / "bundle"
    for name in ("a/b", "a.b", "artifact.json", ".git/config", ".gitignore", "中文/é", "a-b/c"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    new_key(tmp_path / "signing.pem", request.param)
    data = sign_folder(folder, read_signer(tmp_path / "signing.pem"), "headlines-1.0.0")
    (folder / "model.sig").write_bytes(data)
    return folder, tmp_path / "signing.pem"


def whole():
    """The stock tool's own way to leave no path of git out."""
    from model_signing.hashing import Config

    return Config().set_ignored_paths(paths=[], ignore_git_paths=False)


@stock
@quiet
def test_stock_verifies_what_a_key_signed_here(signed):
    from model_signing.verifying import Config

    folder, key = signed
    verifying = Config().use_elliptic_key_verifier(public_key=public_path(key)).set_hashing_config(whole())
    verifying.verify(folder, folder / "model.sig")
    (folder / "a.b").write_text("changed")
    with pytest.raises(ValueError, match="Signature mismatch"):
        verifying.verify(folder, folder / "model.sig")


@stock
@quiet
def test_stock_would_sign_the_same_statement(signed):
    from google.protobuf import json_format
    from model_signing._signing.signing import Payload
    from model_signing.hashing import Config

    folder, _ = signed
    manifest = Config().set_ignored_paths(paths=["model.sig"], ignore_git_paths=False).hash(folder)
    theirs = json.loads(json_format.MessageToJson(Payload(manifest).statement.pb))
    assert theirs == statement_of(file_digests(folder), folder.name)


@stock
@quiet
def test_stock_verifies_what_was_signed_under_a_certificate(signed, tmp_path):
    from model_signing.verifying import Config

    folder, key = signed
    root = Authority.root()
    between = root.authority()
    chain = certify(key, between, between.certificate)
    (folder / "model.sig").write_bytes(sign_folder(folder, read_signer(key, chain), "headlines-1.0.0"))
    verifying = Config().use_certificate_verifier(certificate_chain=[root.write(tmp_path / "root.pem")])
    verifying.set_hashing_config(whole()).verify(folder, folder / "model.sig")
    stranger = Config().use_certificate_verifier(certificate_chain=[Authority.root().write(tmp_path / "other.pem")])
    with pytest.raises(Exception, match="certificate"):
        stranger.set_hashing_config(whole()).verify(folder, folder / "model.sig")


@stock
@quiet
def test_stock_with_its_defaults_verifies_a_bundle(tmp_path):
    """A bundle has no files of git, so that the stock tool needs no flag but the key."""
    from model_signing.verifying import Config

    bundle, public = make_bundle(tmp_path)
    Config().use_elliptic_key_verifier(public_key=public).verify(bundle, bundle / "model.sig")


@stock
@quiet
def test_what_stock_lets_in_is_refused_here(tmp_path):
    """Its defaults pass over what lies in .git; why they agree on bundles is that none is signed with such files."""
    from model_signing.verifying import Config

    bundle, public = make_bundle(tmp_path)
    (bundle / ".git").mkdir()
    (bundle / ".git" / "hook").write_text("anything")
    Config().use_elliptic_key_verifier(public_key=public).verify(bundle, bundle / "model.sig")
    names = read_signature((bundle / "model.sig").read_bytes(), read_trusted([public])).files
    assert set(file_digests(bundle)) - set(names) == {".git/hook"}


@found("openssl")
def test_openssl_verifies_an_attestation(tmp_path):
    bundle, public = make_bundle(tmp_path)
    for attestation in (bundle / "attestations").iterdir():
        envelope = json.loads(attestation.read_bytes())
        (tmp_path / "text").write_bytes(pae(base64.b64decode(envelope["payload"])))
        (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
        command = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", tmp_path / "sig", tmp_path / "text"]
        assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "Verified OK\n"


@found("openssl")
def test_openssl_reads_the_keys(tmp_path):
    new_key(tmp_path / "a.pem")
    command = ["openssl", "pkey", "-in", tmp_path / "a.pem", "-pubout"]
    printed = subprocess.run(command, check=True, capture_output=True).stdout
    assert printed == (tmp_path / "a.pub").read_bytes()


@found("openssl")
def test_a_certificate_that_openssl_issued_is_taken(signed, tmp_path):
    """With its own defaults: a root without key usage."""
    folder, key = signed
    root, request, leaf = tmp_path / "root.pem", tmp_path / "leaf.csr", tmp_path / "leaf.crt"
    (tmp_path / "usage").write_text("keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n")
    new = ["openssl", "req", "-new", "-subj"]
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", tmp_path / "root.key"]
    issue = ["openssl", "x509", "-req", "-in", request, "-CA", root, "-CAkey", tmp_path / "root.key"]
    for command in (
        [*new, "/CN=Root", "-x509", "-days", "30", *ec, "-out", root],
        [*new, "/CN=release.example", "-key", key, "-out", request],
        [*issue, "-CAcreateserial", "-days", "10", "-extfile", tmp_path / "usage", "-out", leaf],
    ):
        subprocess.run(command, check=True, capture_output=True)
    data = sign_folder(folder, read_signer(key, leaf), "headlines-1.0.0")
    assert read_signature(data, read_trusted([], [root])).signer == "CN=release.example"


@found("cosign")
def test_cosign_verifies_an_attestation(tmp_path):
    bundle, public = make_bundle(tmp_path)
    index = json.loads((bundle / "release.json").read_bytes())
    stem = next(each.name for each in sorted((bundle / "attestations").iterdir()) if "validate" in each.name)
    digest = next(each["digest"] for each in index["artifacts"] if each["stage"] == "validate")
    command = [
        *("cosign", "verify-blob-attestation", "--key", public, "--type", "slsaprovenance1"),
        *("--insecure-ignore-tlog=true", "--signature", bundle / attestation_path(stem.removesuffix(".intoto.json"))),
    ]
    subprocess.run([*command, bundle / manifest_path(digest)], check=True, capture_output=True)
    other = next(each["digest"] for each in index["artifacts"] if each["stage"] == "distill")
    assert subprocess.run([*command, bundle / manifest_path(other)], check=False, capture_output=True).returncode
