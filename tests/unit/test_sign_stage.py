"""The stage sign: it takes no stage's word, leaves nothing half-signed, and tells nobody its key."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from potstill.artifacts import BUNDLE, MANIFEST, RELEASE, SIGNATURE, UNSEALED, expect, read_manifest, seal
from potstill.cli import main
from potstill.errors import ArtifactError, InputError, OptionError, PotstillError
from potstill.evidence.layout import attestation_path, manifest_path, statement_path
from potstill.evidence.papers import papers_of
from potstill.evidence.statements import statements_of
from potstill.evidence.whole import evidence_of
from potstill.sign import SignConfig, sign_release
from potstill.signing.canonical import canonical
from potstill.signing.certificates import CERTIFICATE
from potstill.signing.dsse import open_envelope
from potstill.signing.keys import KEY, PASSPHRASE, new_key, public_path, read_private, read_public
from potstill.signing.model_signature import check_signature
from potstill.signing.trust import read_trusted
from tests.released import make_release
from tests.signed import Authority, certify, make_bundle

ROOT = Path(__file__).parents[2]
SECRET = "the canary in the coal mine"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A release, and the run that it was made from."""
    return make_release(tmp_path_factory.mktemp("made"))


@pytest.fixture
def key(tmp_path):
    new_key(tmp_path / "keys.pem")
    return tmp_path / "keys.pem"


@pytest.fixture
def release(made, tmp_path):
    shutil.copytree(made, tmp_path / "release")
    return tmp_path / "release"


def contents(folder):
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_a_bundle_is_the_release_with_attestations_and_a_signature(release, key, tmp_path):
    measures = sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    bundle = tmp_path / "bundle"
    sealed, source = expect(bundle, BUNDLE), expect(release, RELEASE)
    assert sealed.inputs == {"release": source.digest}
    assert sealed.licence == source.licence
    assert sealed.meaning == source.meaning
    theirs, ours = contents(release), contents(bundle)
    manifest = theirs.pop(MANIFEST)
    assert {name: ours[name] for name in theirs} == theirs
    assert ours[manifest_path(source.digest)] == manifest
    stems = list(statements_of(evidence_of(release)))
    further = {MANIFEST, SIGNATURE, manifest_path(source.digest), *map(attestation_path, stems)}
    assert ours.keys() == theirs.keys() | further
    assert measures["attestations"] == len(stems) == 14
    assert measures["files"] == len(sealed.files)
    assert measures["recomputed"] == 0


def test_every_attestation_holds_its_statement_and_all_are_of_one_key(release, key, tmp_path):
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    bundle, public = tmp_path / "bundle", read_public(public_path(key))
    for stem, statement in statements_of(evidence_of(bundle)).items():
        assert open_envelope((bundle / attestation_path(stem)).read_bytes(), [public]) == statement
        assert (bundle / statement_path(stem)).read_bytes() == statement
    signed = check_signature(bundle, (bundle / SIGNATURE).read_bytes(), read_trusted([public_path(key)]))
    assert set(signed.files) == contents(bundle).keys() - {SIGNATURE}
    assert signed.name == "headlines-1.0.0"


def test_the_same_release_and_key_give_the_same_bytes_in_any_process(release, key, tmp_path):
    """Whatever else is loaded, whatever the hash seed, the place and the user's mask."""
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    wanted = contents(tmp_path / "bundle")
    shutil.copytree(release, tmp_path / "elsewhere" / "given")
    given = f"'{tmp_path}/elsewhere/given'), Path('{tmp_path}/elsewhere/out"
    script = (
        "import os, torch, numpy, sys; os.umask(0o077); from pathlib import Path; "
        "from potstill.sign import *; "
        f"sign_release(Path({given}'), SignConfig(release_digest=sys.argv[1]), key=Path('{key}'))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    digest = read_manifest(release).digest
    subprocess.run([sys.executable, "-c", script, digest], check=True, env=environment, cwd=ROOT, capture_output=True)
    assert contents(tmp_path / "elsewhere" / "out") == wanted


def test_signing_again_gives_the_same(release, key, tmp_path):
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    first = contents(tmp_path / "bundle")
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    assert contents(tmp_path / "bundle") == first


def test_given_artifacts_are_read_again(made, key, tmp_path):
    run = made.parent / "run"
    folders = tuple(each for each in sorted(run.iterdir()) if each.is_dir())
    measures = sign_release(made, tmp_path / "bundle", SignConfig(), folders, key=key)
    assert measures["recomputed"] == measures["artifacts"] == len(folders)


def test_a_given_artifact_that_changed_in_storage_is_refused(made, key, tmp_path):
    shutil.copytree(made.parent / "run" / "teacher", tmp_path / "teacher")
    (tmp_path / "teacher" / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ArtifactError, match=r"changed model\.safetensors"):
        sign_release(made, tmp_path / "bundle", SignConfig(), (tmp_path / "teacher",), key=key)
    assert not (tmp_path / "bundle").exists()


def test_a_given_artifact_of_another_run_is_refused(made, key, tmp_path):
    other = make_release(tmp_path / "other", variant=1).parent / "run" / "teacher"
    with pytest.raises(ArtifactError, match=r"was not made from .*what lies there is not what was released"):
        sign_release(made, tmp_path / "bundle", SignConfig(), (other,), key=key)


def test_only_the_approved_digest_is_signed(release, key, tmp_path):
    digest = read_manifest(release).digest
    sign_release(release, tmp_path / "bundle", SignConfig(release_digest=digest), key=key)
    with pytest.raises(ArtifactError, match=f"has digest {digest}; wanted is {'0' * 64}"):
        sign_release(release, tmp_path / "other", SignConfig(release_digest="0" * 64), key=key)


@pytest.mark.parametrize("digest", ["0" * 63, "A" * 64, "latest"])
def test_a_digest_that_is_none_is_refused(digest):
    with pytest.raises(OptionError, match="release_digest must be 64 hexadecimal digits"):
        SignConfig(release_digest=digest)


def resealed(release, **changes):
    """Seal a release again, as a stage would that lies: all digests of its own manifest are right."""
    sealed = read_manifest(release)
    (release / MANIFEST).unlink()
    names = ("made_by", "inputs", "licence", "meaning")
    fields = {name: changes.get(name, getattr(sealed, name)) for name in names}
    inputs = {name: Sealed(digest, sealed.licence) for name, digest in fields.pop("inputs").items()}
    seal(release, RELEASE, inputs=inputs, **fields)


class Sealed:
    def __init__(self, digest, licence):
        self.digest, self.licence = digest, licence


def edit(path, old, new):
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new))


def move_version(release):
    body = json.loads((release / "release.json").read_bytes())
    (release / "release.json").write_bytes(canonical({**body, "version": "1.0.1"}))


def forge_verdict(release):
    """A figure made better in every file outside the sealed report, and all papers made again from it."""
    for name in ("figures.json", "verdict.json"):
        body = json.loads((release / name).read_bytes())
        body["budgets"][0]["value"] = 0.0
        (release / name).write_text(json.dumps(body))
    for path, data in papers_of(evidence_of(release)).items():
        (release / path).write_bytes(data)


LIES = {
    "a model was exchanged": (
        lambda release: (release / "models/onnx/model.onnx").write_bytes(b"evil"),
        "changed models/onnx/model.onnx",
    ),
    "a model was added": (
        lambda release: (release / "models/onnx/second.onnx").write_bytes(b"evil"),
        "extra models/onnx/second.onnx",
    ),
    "a file was added": (lambda release: (release / "run.sh").write_bytes(b"evil"), "extra run.sh"),
    "a file of git was added": (lambda release: (release / ".gitattributes").write_bytes(b"x"), "extra .gitattributes"),
    "an attestation was added": (
        lambda release: ((release / "attestations").mkdir(), (release / "attestations/x.intoto.json").write_bytes(b"")),
        "extra attestations/x.intoto.json",
    ),
    "a signature was added": (lambda release: (release / SIGNATURE).write_bytes(b"{}"), "extra model.sig"),
    "a model was taken out": (lambda release: (release / "models/onnx/model.onnx").unlink(), "missing models/onnx"),
    "the page was taken out": (lambda release: (release / "report.html").unlink(), "missing report.html"),
    "a statement was changed": (
        lambda release: edit(release / "evidence/statements/08-qat.json", b'"threads":2', b'"threads":4'),
        "changed evidence/statements/08-qat.json",
    ),
    "a statement was taken out": (
        lambda release: (release / "evidence/statements/08-qat.json").unlink(),
        "missing evidence/statements/08-qat.json",
    ),
    "a statement was added": (
        lambda release: (release / "evidence/statements/99-extra.json").write_bytes(b"{}"),
        "extra evidence/statements/99-extra.json",
    ),
    "the version was moved": (move_version, "changed evidence/statements/13-vsa.json"),
    "the card lost its banner": (
        lambda release: (release / "README.md").write_text("# The best model\n"),
        "README.md",
    ),
    "the card is of another report": (
        lambda release: edit(release / "README.md", evidence_of(release).report.digest.encode(), b"0" * 64),
        "of another report than",
    ),
    "a figure was made better": (forge_verdict, "the verdict does not follow from the figures"),
    "a manifest was taken out": (
        lambda release: min((release / "evidence/manifests").iterdir()).unlink(),
        "the lineage has holes",
    ),
}


@pytest.mark.parametrize("what", LIES)
def test_a_release_that_lies_is_not_signed_though_it_is_sealed(what, release, key, tmp_path):
    change, why = LIES[what]
    change(release)
    resealed(release)
    with pytest.raises(PotstillError, match=re.escape(why)) as refused:
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("name", ["aux.json", "ends.", "a\u200bb", "a:b", "fill\u3164ed"])
def test_names_that_verify_refuses_are_not_signed(name, release, key, tmp_path):
    (release / "models" / name).write_bytes(b"{}")
    resealed(release)
    with pytest.raises(ArtifactError, match=r"release cannot be signed: models/.* is a name .*; rename"):
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    assert not (tmp_path / "bundle").exists()


def test_these_lies_are_told_well(release, key, tmp_path):
    resealed(release)
    assert sign_release(release, tmp_path / "bundle", SignConfig(), key=key)


def test_a_release_that_names_other_inputs_is_not_signed(release, key, tmp_path):
    inputs = dict(read_manifest(release).inputs)
    inputs.pop("report")
    resealed(release, inputs=inputs)
    with pytest.raises(ArtifactError, match="its inputs are not the artifacts that it tells of"):
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)


def test_what_changed_after_the_seal_is_not_signed(release, key, tmp_path):
    (release / "models/onnx/model.onnx").write_bytes(b"evil")
    with pytest.raises(ArtifactError, match=r"changed models/onnx/model\.onnx"):
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)


def test_what_changes_while_it_is_signed_is_not_signed(release, key, tmp_path, monkeypatch):
    """Storage that gives other bytes at the second reading."""
    copy = shutil.copyfile

    def copy_other(source, target):
        copy(source, target)
        if Path(target).name == "model.onnx":
            Path(target).write_bytes(b"evil")

    monkeypatch.setattr(shutil, "copyfile", copy_other)
    with pytest.raises(ArtifactError, match=r"changed while it was signed: models/onnx/model\.onnx"):
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("kind", ["checkpoint", "bundle"])
def test_another_kind_is_not_signed(kind, made, key, tmp_path):
    given = made.parent / "run" / "teacher"
    if kind == "bundle":
        given, _ = make_bundle(tmp_path / "first")
    with pytest.raises(ArtifactError, match="wanted is release/v1"):
        sign_release(given, tmp_path / "bundle", SignConfig(), key=key)


def test_a_bundle_never_overwrites_what_is_not_one(made, key, tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="holds files that potstill did not write"):
        sign_release(made, tmp_path / "bundle", SignConfig(), key=key)
    assert contents(tmp_path / "bundle") == {"mine.txt": b"mine"}


def test_an_override_is_signed_as_what_it_is(key, tmp_path):
    bundle, public = make_bundle(tmp_path, budgets="max_size_mb: 1", override="A demonstration, for nobody's phone.")
    assert b"OVERRIDE" in (bundle / "README.md").read_bytes()
    payload = open_envelope((bundle / attestation_path("13-vsa")).read_bytes(), [read_public(public)])
    assert json.loads(payload)["predicate"]["verificationResult"] == "FAILED"


# ---- keys


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
    left = [ended.stdout, ended.stderr, *(contents(tmp_path / "out").values() if not fails else [])]
    secrets = [*canaries(key), SECRET, key.name]
    assert [each for each in secrets if any(each.encode() in text for text in left)] == []
    assert fails or any(b"signed by the key" in text for text in left)


def test_the_command_line_refuses_in_one_line(made, key, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    assert main(["sign", "--release", str(made), "--bundle", str(tmp_path / "bundle")]) == 2
    printed = capsys.readouterr()
    assert re.fullmatch(rf"potstill: error: no key to sign with; set {KEY} [^\n]+\n", printed.err)
    assert main(["sign", "--release", str(made), "--bundle", str(tmp_path / "bundle"), "--key", str(key)]) == 0
    assert "attestations  14" in capsys.readouterr().out


# ---- killed


STOPPER = """
import os, signal, sys
from pathlib import Path
left = int(sys.argv.pop(1))
STEPS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.copyfile")
def hook(event, arguments):
    global left
    if event in STEPS and "bundle" in str(arguments[0]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
from potstill.sign import SignConfig, sign_release
sys.addaudithook(hook)
sign_release(Path(sys.argv[1]), Path(sys.argv[2]), SignConfig(), key=Path(sys.argv[3]))
print("done", left)
"""


@pytest.mark.slow
def test_a_kill_leaves_no_bundle_that_looks_whole_and_the_next_run_makes_it(made, key, tmp_path):
    """Killed before each of a spread of its steps on the file system, among them the very last ones."""
    bundle = tmp_path / "out" / "bundle"
    bundle.parent.mkdir()
    (tmp_path / "given").symlink_to(made.resolve())

    def run(steps):
        command = [sys.executable, "-c", STOPPER, str(steps), tmp_path / "given", bundle, key]
        return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    whole = run(100_000)
    steps = 100_000 - int(whole.stdout.split()[-1])
    wanted = contents(bundle)
    assert steps > 200
    for place in sorted({0, 2, *range(10, steps - 20, steps // 4), *range(steps - 20, steps, 3), steps - 1}):
        shutil.rmtree(bundle, ignore_errors=True)
        assert run(place).returncode == -signal.SIGKILL, place
        left = contents(bundle) if bundle.exists() else {}
        if left.keys() - {UNSEALED}:
            assert UNSEALED in left, place
            with pytest.raises(ArtifactError, match="is unfinished"):
                expect(bundle, BUNDLE)
    sign_release(made, bundle, SignConfig(), key=key)
    assert contents(bundle) == wanted
