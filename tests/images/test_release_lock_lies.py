"""The release's locks against servers that lie, and a skopeo that proves nothing."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from images import registry, release_lock
from images.lock_files import read_base
from tests import release_locks
from tests.http_server import HttpServer
from tests.image_registry import require_programs
from tests.release_locks import HERE, INDEX, MANIFEST, labels_of

# Fixtures: pytest looks for them in the module that asks.
checkout, out, refused = release_locks.checkout, release_locks.out, release_locks.refused


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


def test_a_skopeo_that_proves_nothing_is_not_trusted(monkeypatch, tmp_path, refused):
    """The real one proves what it fetches by digest; should one ever not, other bytes are refused all the same."""
    program = tmp_path / "bin" / "skopeo"
    program.parent.mkdir()
    program.write_text("""#!/bin/sh\ncase "$*" in *@sha256:*) echo '{"other": 1}';; *) echo '{}';; esac\n""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert "by that digest came other bytes" in refused("base")
