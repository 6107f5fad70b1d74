"""The release's locks against a real registry on this machine, and against servers that lie."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from uuid import uuid4

import pytest

from images import families, registry, release_lock
from images.lock_files import read_base
from images.registry import qualified, resolve
from images.stage_images import REVISION, TITLE, VERSION
from potstill import __version__
from potstill.errors import OptionError
from potstill.images import IMAGES, read_lock
from tests.http_server import HttpServer
from tests.image_registry import PASSWORD, USER, Builder, copy_all, require_programs, serving

HERE = "0123456789abcdef0123456789abcdef01234567"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def labels_of(stage: str, **other: str) -> dict[str, str]:
    labels = {REVISION: HERE, VERSION: __version__, TITLE: f"potstill/{stage}"}
    return labels | {f"org.opencontainers.image.{name}": value for name, value in other.items()}


def place_of(host: str, stage: str) -> str:
    return f"{host}/potstill/{stage}:{__version__}"


@pytest.fixture(scope="module")
def builder(tmp_path_factory) -> Builder:
    require_programs()
    return Builder(tmp_path_factory.mktemp("storage"))


@pytest.fixture(scope="module")
def store(builder, tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def host(builder, store) -> Iterator[str]:
    """A registry with every stage's image under `good/`, and all but that of qat under `half/`; prune's is a list."""
    with serving(store) as where:
        for stage in sorted(IMAGES, key="qat".__eq__):
            if stage == "qat":
                copy_all(store, "good", "half")
            platforms = ("amd64", "arm64") if stage == "prune" else ("amd64",)
            builder.push(place_of(f"{where}/good", stage), labels_of(stage), platforms)
        yield where


@pytest.fixture
def half(host, store) -> str:
    """A place in the registry that holds every image but that of qat."""
    name = f"half-{uuid4().hex}"
    copy_all(store, "half", name)
    return f"{host}/{name}"


@pytest.fixture(autouse=True)
def checkout(monkeypatch):
    monkeypatch.setattr(release_lock, "revision", lambda: HERE)


@pytest.fixture
def out(tmp_path) -> Path:
    """A lock file that is there already, and must stay as it is where a command refuses."""
    path = tmp_path / "locks" / "a.lock.json"
    path.parent.mkdir()
    path.write_text("before")
    return path


@pytest.fixture
def refused(capsys, out) -> Callable[..., str]:
    """Run a command that must be refused in one line, with nothing written; return the line."""

    def run(*arguments: str) -> str:
        assert release_lock.main([*arguments, "--out", str(out)]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("potstill: error: ")
        assert told.err.count("\n") == 1
        assert out.read_text() == "before"
        assert [each.name for each in out.parent.iterdir()] == [out.name]
        return told.err

    return run


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


class Lying(BaseHTTPRequestHandler):
    """A server that gives what a test tells it to, by the last part of the path."""

    answers: dict[str, tuple[int, str, bytes, str]]
    wait = 0.0
    asked: threading.Event

    def do_GET(self) -> None:
        if self.path != "/v2/":
            self.asked.set()
            time.sleep(self.wait)
        missing = (
            404,
            "application/json",
            b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}',
            "",
        )
        status, media_type, body, digest = self.answers.get(
            self.path.rpartition("/")[2], self.answers.get("*", missing)
        )
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def lying(
    answers: dict[str, tuple[int, str, bytes, str]], wait: float = 0, asked: threading.Event | None = None
) -> Iterator[str]:
    told = {"answers": {"": (200, "application/json", b"{}", "")} | answers, "wait": wait}
    handler = type("Told", (Lying,), told | {"asked": asked or threading.Event()})
    with HttpServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def manifest(config: bytes) -> bytes:
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(config), "size": len(config)}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": []}).encode()


CONFIG = b'{"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}'
GOOD, OTHER = manifest(CONFIG), manifest(CONFIG.replace(b"amd64", b"arm64"))


class TestLies:
    @pytest.fixture(autouse=True)
    def _programs(self) -> None:
        require_programs()

    def test_a_header_that_names_another_digest_is_not_believed(self, out):
        answers = {
            "1": (200, MANIFEST, GOOD, sha256(OTHER)),
            sha256(GOOD): (200, MANIFEST, GOOD, sha256(OTHER)),
            sha256(CONFIG): (200, "application/octet-stream", CONFIG, ""),
        }
        with lying(answers) as host:
            assert release_lock.main(["base", f"{host}/base:1", "--out", str(out)]) == 0
        assert read_base(out).digest == sha256(GOOD)

    def test_other_bytes_by_the_digest(self, refused):
        answers = {
            "1": (200, MANIFEST, GOOD, sha256(GOOD)),
            sha256(GOOD): (200, MANIFEST, OTHER, sha256(GOOD)),
        }
        with lying(answers) as host:
            assert sha256(GOOD) in refused("base", f"{host}/base:1")

    def test_bytes_by_tag_that_are_of_no_digest(self, refused):
        """A registry that has the body of one image and the header of another, which it also serves."""
        answers = {
            "1": (200, MANIFEST, OTHER, sha256(GOOD)),
            sha256(GOOD): (200, MANIFEST, GOOD, sha256(GOOD)),
            sha256(CONFIG): (200, "application/octet-stream", CONFIG, ""),
        }
        with lying(answers) as host:
            refused("base", f"{host}/base:1")

    def test_a_configuration_that_is_not_its_digest_s(self, refused):
        forged = json.dumps({**json.loads(CONFIG), "config": {"Labels": labels_of("prune")}}).encode()
        answers = {
            "*": (200, MANIFEST, GOOD, ""),
            sha256(CONFIG): (200, "application/octet-stream", forged, ""),
        }
        with lying(answers) as host:
            assert "digest" in refused("images", "--registry", host)

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>it works</html>",
            b"",
            b"{}",
            b"[]",
            b'"text"',
            b"\xff\xfe\x00",
            b'{"schemaVersion": 2, "manifests": []}',
            b'{"schemaVersion": 2, "manifests": 7}',
            b'{"schemaVersion": 2, "manifests": [{"digest": "sha256:1"}]}',
            b'{"schemaVersion": 2, "manifests": [{"digest": "x", "platform": {"os": "linux", "architecture": "arm"}}]}',
        ],
    )
    @pytest.mark.parametrize("media_type", [INDEX, MANIFEST, "text/html"])
    def test_rubbish(self, refused, body, media_type):
        with lying({"*": (200, media_type, body, "")}) as host:
            refused("base", f"{host}/base:1")
            refused("images", "--registry", host)

    @pytest.mark.parametrize("status", [301, 401, 403, 500, 503])
    def test_refusals_of_a_server(self, refused, status):
        with lying({"*": (status, "text/plain", b"no", "")}) as host:
            refused("base", f"{host}/base:1")

    def test_a_server_that_says_nothing(self, refused, monkeypatch):
        monkeypatch.setattr(registry, "SECONDS", 1)
        with lying({}, wait=3) as host:
            begun = time.monotonic()
            assert "deadline exceeded" in refused("base", f"{host}/base:1")
            assert time.monotonic() - begun < 30

    def test_attestations_are_no_platforms(self, out):
        platforms = [("linux", "amd64", GOOD), ("unknown", "unknown", OTHER)]
        listed = [
            {
                "mediaType": MANIFEST,
                "digest": sha256(body),
                "size": len(body),
                "platform": {"os": os, "architecture": on},
            }
            for os, on, body in platforms
        ]
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
        with lying({"1": (200, INDEX, index, ""), sha256(index): (200, INDEX, index, "")}) as host:
            assert release_lock.main(["base", f"{host}/base:1", "--out", str(out)]) == 0
        assert read_base(out).platforms == {"linux/amd64": sha256(GOOD)}

    def test_killed_half_way(self, out):
        """The lock stays as it was, and nothing lies beside it."""
        asked = threading.Event()
        with lying({"*": (200, MANIFEST, GOOD, "")}, wait=0.5, asked=asked) as host:
            command = [sys.executable, "-m", "images.release_lock", "images", "--registry", host, "--out", str(out)]
            environment = os.environ | {"POTSTILL_REVISION": HERE}
            running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True)
            assert asked.wait(timeout=60)
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
        assert running.returncode == -signal.SIGKILL
        assert out.read_text() == "before"
        assert [each.name for each in out.parent.iterdir()] == [out.name]


class TestCredentials:
    @pytest.fixture
    def closed(self, tmp_path, monkeypatch) -> Iterator[str]:
        """A registry that asks for a password, which nobody here has given."""
        require_programs()
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"):
            monkeypatch.delenv(name, raising=False)
        (tmp_path / "store").mkdir()
        with serving(tmp_path / "store", passwords=True) as where:
            yield where

    def login(self, folder: Path, host: str, password: str) -> str:
        path = folder / ".docker" / "config.json"
        path.parent.mkdir(exist_ok=True)
        given = base64.b64encode(f"{USER}:{password}".encode()).decode()
        path.write_text(json.dumps({"auths": {host: {"auth": given}}}))
        return given

    def test_are_those_of_docker_login(self, builder, closed, tmp_path, refused, out):
        assert "docker login" in refused("base", f"{closed}/base:1")
        given = self.login(tmp_path, closed, "not-this-one")
        said = refused("base", f"{closed}/base:1")
        assert "docker login" in said
        assert "not-this-one" not in said
        assert given not in said
        self.login(tmp_path, closed, PASSWORD)
        assert "is not there" in refused("base", f"{closed}/base:1")
        builder.push(f"{closed}/base:1", {})
        assert release_lock.main(["base", f"{closed}/base:1", "--out", str(out)]) == 0


class TestHttps:
    def test_is_asked_of_every_host_but_this_one(self, host, refused):
        """0.0.0.0 leads to the same registry, and is no name of this machine: plain HTTP is not taken there."""
        assert resolve(f"{host}/good/potstill/qat", f":{__version__}")
        said = refused("base", f"0.0.0.0:{host.partition(':')[2]}/good/potstill/qat:{__version__}")
        assert "HTTP response to HTTPS client" in said

    @pytest.mark.parametrize(
        ("name", "local"),
        [
            ("localhost/a:1", True),
            ("localhost:5000/a:1", True),
            ("127.0.0.1:5000/a:1", True),
            ("127.9.9.9/a:1", True),
            ("localhost.example.org/a:1", False),
            ("127.0.0.1.example.org/a:1", False),
            ("docker.io/localhost/a:1", False),
            ("example.org/127.0.0.1:5000/a:1", False),
        ],
    )
    def test_which_names_are_this_machine(self, name, local):
        assert bool(registry.LOOPBACK.match(name)) is local


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("python:3.11-slim-bookworm", "docker.io/library/python", "3.11-slim-bookworm"),
        ("somebody/python:3", "docker.io/somebody/python", "3"),
        ("ghcr.io/a/b-c/d__e:1.0_x", "ghcr.io/a/b-c/d__e", "1.0_x"),
        ("localhost/a:1", "localhost/a", "1"),
        ("registry:5000/a/b:1", "registry:5000/a/b", "1"),
    ],
)
def test_names_as_docker_understands_them(reference, name, tag):
    assert qualified(reference) == (name, tag)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "python",
        "python:",
        ":1",
        "Python:1",
        "a/b",
        "localhost:5000/a",
        "a:1@sha256:" + 64 * "0",
        "a b:1",
        "a:1\n",
        "--x:1",
    ],
)
def test_names_that_are_none(reference):
    with pytest.raises(OptionError, match="wanted is name:tag"):
        qualified(reference)


def test_without_skopeo(monkeypatch, tmp_path, refused):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "skopeo is not installed" in refused("base")


def test_a_skopeo_that_proves_nothing_is_not_trusted(monkeypatch, tmp_path, refused):
    """The real one proves what it fetches by digest; should one ever not, other bytes are refused all the same."""
    program = tmp_path / "bin" / "skopeo"
    program.parent.mkdir()
    program.write_text("""#!/bin/sh\ncase "$*" in *@sha256:*) echo '{"other": 1}';; *) echo '{}';; esac\n""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert "by that digest came other bytes" in refused("base")


def test_commands_that_are_none(capsys):
    assert release_lock.main(["bases"]) == 2
    assert "no command 'bases'; there are base, images, check" in capsys.readouterr().err
    assert release_lock.main([]) == 0
    assert "python -m images.release_lock base" in capsys.readouterr().out
