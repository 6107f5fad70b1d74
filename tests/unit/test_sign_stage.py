"""The stage sign: it takes no stage's word, and leaves nothing half-signed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from potstill.artifacts import BUNDLE, MANIFEST, RELEASE, SIGNATURE, UNSEALED, expect, read_manifest
from potstill.cli import main
from potstill.errors import ArtifactError, OptionError
from potstill.evidence.layout import attestation_path, manifest_path, statement_path
from potstill.evidence.statements import statements_of
from potstill.evidence.whole import evidence_of
from potstill.sign import SignConfig, sign_release
from potstill.signing.dsse import open_envelope
from potstill.signing.keys import KEY, public_path, read_public
from potstill.signing.model_signature import check_signature
from potstill.signing.trust import read_trusted
from tests import unsigned
from tests.published import files_of
from tests.released import TOO_STRICT, make_release
from tests.signed import make_bundle

ROOT = Path(__file__).parents[2]
made, key, release = unsigned.made, unsigned.key, unsigned.release  # pytest looks for fixtures in the module that asks


def test_a_bundle_is_the_release_with_attestations_and_a_signature(release, key, tmp_path):
    measures = sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    bundle = tmp_path / "bundle"
    sealed, source = expect(bundle, BUNDLE), expect(release, RELEASE)
    assert sealed.inputs == {"release": source.digest}
    assert sealed.licence == source.licence
    assert sealed.meaning == source.meaning
    theirs, ours = files_of(release), files_of(bundle)
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
    assert set(signed.files) == files_of(bundle).keys() - {SIGNATURE}
    assert signed.name == "headlines-1.0.0"


def test_the_same_release_and_key_give_the_same_bytes_in_any_process(release, key, tmp_path):
    """Whatever else is loaded, whatever the hash seed, the place and the user's mask."""
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    wanted = files_of(tmp_path / "bundle")
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
    assert files_of(tmp_path / "elsewhere" / "out") == wanted


def test_signing_again_gives_the_same(release, key, tmp_path):
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    first = files_of(tmp_path / "bundle")
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    assert files_of(tmp_path / "bundle") == first


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
    assert files_of(tmp_path / "bundle") == {"mine.txt": b"mine"}


def test_an_override_is_signed_as_what_it_is(key, tmp_path):
    bundle, public = make_bundle(tmp_path, budgets=TOO_STRICT, override="A demonstration, for nobody's phone.")
    assert b"OVERRIDE" in (bundle / "README.md").read_bytes()
    payload = open_envelope((bundle / attestation_path("13-vsa")).read_bytes(), [read_public(public)])
    assert json.loads(payload)["predicate"]["verificationResult"] == "FAILED"


def test_the_command_line_refuses_in_one_line(made, key, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    assert main(["sign", "--release", str(made), "--bundle", str(tmp_path / "bundle")]) == 2
    printed = capsys.readouterr()
    assert re.fullmatch(rf"potstill: error: no key to sign with; set {KEY} [^\n]+\n", printed.err)
    assert main(["sign", "--release", str(made), "--bundle", str(tmp_path / "bundle"), "--key", str(key)]) == 0
    assert "attestations  14" in capsys.readouterr().out


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
    wanted = files_of(bundle)
    assert steps > 200
    for place in sorted({0, 2, *range(10, steps - 20, steps // 4), *range(steps - 20, steps, 3), steps - 1}):
        shutil.rmtree(bundle, ignore_errors=True)
        assert run(place).returncode == -signal.SIGKILL, place
        left = files_of(bundle) if bundle.exists() else {}
        if left.keys() - {UNSEALED}:
            assert UNSEALED in left, place
            with pytest.raises(ArtifactError, match="is unfinished"):
                expect(bundle, BUNDLE)
    sign_release(made, bundle, SignConfig(), key=key)
    assert files_of(bundle) == wanted
