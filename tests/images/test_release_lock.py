"""The release's locks against a real registry on this machine."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from images import families, release_lock
from images.lock_files import read_base
from images.registry import resolve
from potstill import __version__
from potstill.images import IMAGES, read_lock
from tests import release_locks
from tests.image_registry import serving
from tests.release_locks import INDEX, MANIFEST, labels_of, place_of

# Fixtures: pytest looks for them in the module that asks.
builder, store, host, half = release_locks.builder, release_locks.store, release_locks.host, release_locks.half
checkout, out, refused = release_locks.checkout, release_locks.out, release_locks.refused


def test_every_stage_has_an_image():
    assert sorted(IMAGES) == sorted(families.STAGES)


class TestBase:
    def test_of_several_platforms(self, host, out, capsys):
        assert release_lock.main(["base", place_of(f"{host}/good", "prune"), "--out", str(out)]) == 0
        found = json.loads(out.read_text())
        assert found["reference"] == place_of(f"{host}/good", "prune")
        assert found["media_type"] == INDEX
        assert sorted(found["platforms"]) == ["linux/amd64", "linux/arm64"]
        raw = self.raw(f"{host}/good/potstill/prune@{found['digest']}")
        assert f"sha256:{hashlib.sha256(raw).hexdigest()}" == found["digest"]
        listed = {each["platform"]["architecture"]: each["digest"] for each in json.loads(raw)["manifests"]}
        assert {name.removeprefix("linux/"): digest for name, digest in found["platforms"].items()} == listed
        assert found["digest"] in capsys.readouterr().out
        assert read_base(out).pinned == f"{host}/good/potstill/prune@{found['digest']}"

    def test_of_one_platform(self, host, out):
        assert release_lock.main(["base", place_of(f"{host}/good", "qat"), "--out", str(out)]) == 0
        found = read_base(out)
        assert found.media_type == MANIFEST
        assert found.platforms == {"linux/amd64": found.digest}

    def test_again_gives_the_same_bytes(self, host, tmp_path):
        for name in ("one", "two"):
            release_lock.main(["base", place_of(f"{host}/good", "prune"), "--out", str(tmp_path / name)])
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
        assert (tmp_path / "one").read_bytes().endswith(b"}\n")

    def test_a_tag_or_an_image_that_is_not_there(self, host, refused):
        assert "not there" in refused("base", f"{host}/good/potstill/prune:nothing")
        assert "not there" in refused("base", f"{host}/good/potstill/nothing:1")

    def test_a_registry_that_is_gone(self, builder, tmp_path, refused):
        (tmp_path / "gone").mkdir()
        with serving(tmp_path / "gone") as where:
            builder.push(f"{where}/base:1", {})
            assert resolve(f"{where}/base", ":1").platforms
        assert "connection refused" in refused("base", f"{where}/base:1")

    def raw(self, image: str) -> bytes:
        command = ("skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{image}")
        return subprocess.run(command, capture_output=True, check=True).stdout


class TestImages:
    def test_all_stages(self, host, out, capsys):
        assert release_lock.main(["images", "--registry", f"{host}/good", "--out", str(out)]) == 0
        found = read_lock(out)
        assert list(found) == sorted(IMAGES)
        for stage, image in found.items():
            name, _, digest = image.partition("@")
            assert name == f"{host}/good/potstill/{stage}"
            assert resolve(name, f":{__version__}").digest == digest
        told = capsys.readouterr().out
        assert "(linux/amd64, linux/arm64)" in told
        assert f"written: {out}" in told
        before = out.read_bytes()
        assert release_lock.main(["images", "--registry", f"{host}/good", "--out", str(out)]) == 0
        assert out.read_bytes() == before
        assert before == (json.dumps(found, indent=2, sort_keys=True) + "\n").encode()

    def test_a_missing_stage(self, half, refused):
        assert refused("images", "--registry", half).count("is not there; push it first") == 1

    @pytest.mark.parametrize("label", ["revision", "version", "title"])
    def test_an_image_of_another_build(self, builder, half, refused, label):
        builder.push(place_of(half, "qat"), labels_of("qat", **{label: "another"}))
        said = refused("images", "--registry", half)
        assert f"qat:{__version__}: org.opencontainers.image.{label} is 'another' on linux/amd64, wanted is '" in said

    def test_an_image_without_labels(self, builder, half, refused):
        builder.push(place_of(half, "qat"), {})
        assert refused("images", "--registry", half).count(" is None on linux/amd64") == 3

    def test_every_platform_is_looked_at(self, builder, half, refused):
        builder.push(place_of(half, "qat"), labels_of("qat", revision="another"), ("amd64", "arm64"))
        said = refused("images", "--registry", half)
        assert "is 'another' on linux/amd64" in said
        assert "is 'another' on linux/arm64" in said

    def test_all_faults_at_once(self, builder, half, refused):
        builder.push(place_of(half, "prune"), labels_of("prune", revision="another"))
        said = refused("images", "--registry", half)
        assert "qat" in said
        assert "is 'another'" in said

    def test_outside_of_a_checkout(self, monkeypatch, refused):
        monkeypatch.setattr(release_lock, "revision", lambda: "")
        assert "no revision is known here" in refused("images", "--registry", "127.0.0.1:9")

    @pytest.mark.parametrize("registry", ["", "ftp://127.0.0.1:9", "127.0.0.1:9/%%", "127.0.0.1:9/a b", "-x", "a@b"])
    def test_a_registry_that_is_no_name(self, refused, registry):
        assert "wanted is name:tag" in refused("images", f"--registry={registry}")

    def test_a_read_only_lock_is_not_replaced(self, host, out, refused):
        out.chmod(0o444)
        assert "read-only" in refused("images", "--registry", f"{host}/good")
        assert "read-only" in refused("base", place_of(f"{host}/good", "qat"))

    def test_a_lock_in_no_folder(self, host, tmp_path, capsys):
        path = tmp_path / "nowhere" / "lock.json"
        assert release_lock.main(["images", "--registry", f"{host}/good", "--out", str(path)]) == 2
        assert "is no folder" in capsys.readouterr().err


class TestCheck:
    @pytest.fixture
    def locks(self, builder, half, tmp_path) -> tuple[Path, Path]:
        builder.push(place_of(half, "qat"), labels_of("qat"))
        builder.push(f"{half}/base:1", {}, ("amd64", "arm64"))
        paths = (tmp_path / "base.json", tmp_path / "images.json")
        assert release_lock.main(["base", f"{half}/base:1", "--out", str(paths[0])]) == 0
        assert release_lock.main(["images", "--registry", half, "--out", str(paths[1])]) == 0
        return paths

    def check(self, capsys, base: Path, images: Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = release_lock.main(["check", "--base-lock", str(base), "--images-lock", str(images)])
        return code, *capsys.readouterr()

    def test_nothing_moved(self, locks, capsys):
        assert self.check(capsys, *locks) == (0, f"as locked: {locks[0]}, {locks[1]}\n", "")

    def test_of_a_checkout_after_the_release(self, locks, capsys, monkeypatch):
        monkeypatch.setattr(release_lock, "revision", lambda: "9" * 40)
        assert self.check(capsys, *locks)[0] == 0

    def test_the_base_s_tag_moved(self, locks, builder, half, capsys):
        before = read_base(locks[0])
        builder.push(f"{half}/base:1", {"is": "newer"}, ("amd64", "arm64"))
        code, told, _ = self.check(capsys, *locks)
        assert (code, told.count("\n")) == (1, 1)
        assert f"{half}/base:1 is now sha256:" in told
        assert before.digest in told

    def test_another_image_in_the_lock(self, locks, capsys, half):
        lock = read_lock(locks[1])
        prune = lock["prune"].partition("@")[2]
        lock["qat"] = lock["qat"].partition("@")[0] + "@sha256:" + "0" * 64
        lock["validate"] = f"{half}/potstill/prune@{prune}"
        locks[1].write_text(json.dumps(lock))
        code, told, _ = self.check(capsys, *locks)
        assert (code, told.count("\n")) == (1, 2)
        assert "qat: " in told
        assert "is not there any more" in told
        assert "validate: org.opencontainers.image.title is 'potstill/prune' on linux/amd64" in told

    def test_no_lock_and_broken_locks(self, tmp_path, capsys):
        nowhere, broken = tmp_path / "nowhere", tmp_path / "broken"
        code, told, error = self.check(capsys, nowhere, nowhere)
        assert (code, told) == (2, "")
        assert f"{nowhere}: no such file" in error
        for text in ("{", "[]", "{}", '{"reference": "a:1", "digest": "sha256:1", "media_type": "", "platforms": {}}'):
            broken.write_text(text)
            code, told, error = self.check(capsys, broken, broken)
            assert (code, told, error.count("\n")) == (2, "", 1)
            assert str(broken) in error


def test_commands_that_are_none(capsys):
    assert release_lock.main(["bases"]) == 2
    assert "no command 'bases'; there are base, images, check" in capsys.readouterr().err
    assert release_lock.main([]) == 0
    assert "python -m images.release_lock base" in capsys.readouterr().out
