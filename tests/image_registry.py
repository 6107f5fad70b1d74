"""A real image registry for tests, and tiny images to push to it: Debian's docker-registry, buildah and skopeo.

The registry listens on 127.0.0.1 alone and keeps everything in a folder of the test; it is up in a tenth of a second.
Images are made from nothing: a label or two, for a platform or two.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

PACKAGES = "docker-registry skopeo buildah"
PROGRAMS = ("docker-registry", "skopeo", "buildah", "setpriv")
START_SECONDS = 60  # a busy machine; by itself it takes 0.1
CONFIGURATION = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/store}}}}
http: {{addr: "127.0.0.1:{port}", secret: of-a-test}}
"""
PASSWORDS = "auth: {{htpasswd: {{realm: test, path: {folder}/passwords}}}}\n"
USER, PASSWORD = "somebody", "secret"
REPOSITORIES = "store/docker/registry/v2/repositories"
HASHED = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"


def require_programs() -> None:
    """Skip a test where a program is missing; under POTSTILL_REQUIRE_REGISTRY=1 it fails."""
    if missing := [each for each in PROGRAMS if not shutil.which(each)]:
        why = f"{', '.join(missing)} not found; apt-get install --no-install-recommends {PACKAGES}"
        (pytest.fail if os.environ.get("POTSTILL_REQUIRE_REGISTRY") == "1" else pytest.skip)(why)


@contextmanager
def serving(folder: Path, *, passwords: bool = False) -> Iterator[str]:
    """Run a registry while the block runs; give its host and port.

    Args:
        folder: an empty folder for its files.
        passwords: ask for USER and PASSWORD.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = CONFIGURATION + (PASSWORDS if passwords else "")
    (folder / "config.yml").write_text(configuration.format(folder=folder, port=port))
    (folder / "passwords").write_text(f"{USER}:{HASHED}\n")
    command = ("setpriv", "--pdeathsig", "KILL", "docker-registry", "serve", str(folder / "config.yml"))
    with (folder / "registry.log").open("wb") as log:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/v2/", running, folder / "registry.log")
        yield f"127.0.0.1:{port}"
    finally:
        running.kill()
        running.wait()


def _wait_for(url: str, running: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and running.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as asked:  # for a password
            asked.close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"docker-registry did not come up: {log.read_text()[-1000:]}")


@dataclass(frozen=True)
class Builder:
    """Makes images from nothing, in a storage of its own."""

    folder: Path

    def push(self, reference: str, labels: Mapping[str, str], platforms: Sequence[str] = ("amd64",)) -> None:
        """Make an image with these labels and push it; for several platforms, as a list of manifests."""
        made = [self._made(labels, architecture) for architecture in platforms]
        if len(made) == 1:
            self._run("push", "--quiet", "--tls-verify=false", made[0], f"docker://{reference}")
            return
        name = self._run("manifest", "create", f"list-{uuid4().hex}")
        for each in made:
            self._run("manifest", "add", name, f"containers-storage:{each}")
        self._run("manifest", "push", "--quiet", "--all", "--tls-verify=false", name, f"docker://{reference}")

    def _made(self, labels: Mapping[str, str], architecture: str) -> str:
        container = self._run("from", "scratch")
        given = [argument for item in labels.items() for argument in ("--label", "=".join(item))]
        self._run("config", "--arch", architecture, *given, container)
        return self._run("commit", "--quiet", "--rm", "--timestamp", "0", container)

    def _run(self, *arguments: str) -> str:
        storage = (
            "--root",
            str(self.folder / "root"),
            "--runroot",
            str(self.folder / "run"),
            "--storage-driver",
            "vfs",
        )
        return _run("buildah", *storage, *arguments)


def copy_all(folder: Path, source: str, target: str) -> None:
    """Give all images below a name a second name, in the registry's own store: for many, much faster than by HTTP.

    Args:
        folder: the registry's.
        source: what their names begin with.
        target: what their second names begin with.
    """
    shutil.copytree(folder / REPOSITORIES / source, folder / REPOSITORIES / target)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout.strip()
