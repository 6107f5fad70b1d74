"""A Docker daemon for tests, and the images in it.

    python -m tests.docker_engine [--root FOLDER] COMMAND …     runs a command with DOCKER_HOST set

A daemon that answers already is used as it is; else Debian's dockerd is started by hand and ends with the command. It
has no bridge, so a container has no network at all or the host's. Its images stay in FOLDER, if one is given.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from potstill.images import image_for

PACKAGES = "docker.io buildah podman mmdebstrap"
FLAGS = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--log-level=error")
FILES = 20_000  # open ones; the default of a daemon is more than a machine may allow
START_SECONDS = 60


def require_image(stage: str) -> str:
    """Return the name of a stage's image, or skip the test; under POTSTILL_REQUIRE_IMAGES=1 fail it."""
    name = image_for(stage)
    if why := _lacking(name):
        (pytest.fail if os.environ.get("POTSTILL_REQUIRE_IMAGES") == "1" else pytest.skip)(why)
    return name


@cache
def _lacking(name: str) -> str:
    if not answers():
        return "no Docker daemon answers; python -m tests.docker_engine COMMAND starts one"
    found = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    return f"there is no image {name}; images/build --load makes it" if found.returncode else ""


def answers() -> bool:
    """Tell whether a Docker daemon answers."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


@contextmanager
def daemon(root: Path) -> Iterator[None]:
    """Run a daemon while the block runs, if none answers, and point DOCKER_HOST to it.

    Args:
        root: where it keeps its images.

    Raises:
        RuntimeError: it is not installed, or does not come up; the message ends with what it said.
    """
    if answers():
        yield
        return
    if not shutil.which("dockerd"):
        raise RuntimeError(f"no Docker daemon answers and dockerd is not installed; apt-get install {PACKAGES}")
    # A socket's path has room for 107 characters.
    with tempfile.TemporaryDirectory(prefix="docker-") as short, (Path(short) / "log").open("wb") as log:
        host = f"unix://{short}/socket"
        places = ("--host", host, "--data-root", str(root), "--exec-root", f"{short}/exec", "--pidfile", f"{short}/pid")
        ulimit = ("--default-ulimit", f"nofile={FILES}:{FILES}")
        started = subprocess.Popen(["dockerd", *places, *FLAGS, *ulimit], stdout=log, stderr=log)
        os.environ["DOCKER_HOST"] = host
        try:
            _wait(started, Path(log.name))
            yield
        finally:
            del os.environ["DOCKER_HOST"]
            started.terminate()
            started.wait()
            _unmount_below(Path(short))


def _unmount_below(folder: Path) -> None:
    """Undo what the daemon left mounted, at times the network of its containers: such a file cannot be deleted."""
    targets = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for target in sorted((each for each in targets if folder in Path(each).parents), reverse=True):
        subprocess.run(["umount", "--lazy", target], check=True)


def _wait(started: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while not answers():
        if started.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"dockerd did not come up in {START_SECONDS} s: {log.read_text()[-1000:]}")
        time.sleep(0.1)


def main(arguments: list[str]) -> int:
    """Run a command beside a daemon; return its exit code."""
    kept = arguments[:1] == ["--root"]
    if len(arguments) < (3 if kept else 1):
        sys.exit("usage: python -m tests.docker_engine [--root FOLDER] COMMAND …")
    with tempfile.TemporaryDirectory(prefix="docker-root-") as scratch:
        root = Path(arguments[1]).absolute() if kept else Path(scratch)
        with daemon(root):
            return subprocess.run(arguments[2:] if kept else arguments, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
