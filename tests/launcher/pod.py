"""How a pod runs that trusts nothing: one image, one command, by the docker command line.

    ended = run_pod(image, ["potstill-prune", "--student", "/in/student", …, "--pruned", "/out/pruned"],
                    readable={"/in": inputs}, writable={"/out": outputs})
    assert ended.code == 0, ended.log

It is what Pod Security `restricted` and KFP's own security context make of a pod, and more: a UID that the image does
not know, with group 0 (as OpenShift gives them); the image read-only, and writable only /tmp, in memory, and what the
caller names; no capability, no new privileges, no network; memory and processes bounded. With `audit`, Python itself
tells of every write, connection, process and unpickling that the pod's limits would stop, or would not (see audit/).

S3 is reached by the host's network, the only other one there is where dockerd runs without a bridge. Its variables
go from docker's own environment into the pod's, so that no secret stands on a command line.
"""

import os
import random
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

AUDIT = Path(__file__).with_name("audit")
AUDIT_PLACE = "/audit"
GIBIBYTE = 1 << 30
NO_POD = 125  # docker's own failure, such as an image that is not there
UIDS = range(100_000, 2_000_000_000)


@dataclass(frozen=True)
class Ended:
    """What came of a pod: its exit code, and what it wrote to stdout and stderr, as the launcher keeps them, mixed."""

    code: int
    log: str


@dataclass(frozen=True)
class Audit:
    """What an audited pod may do besides writing to /tmp and to its writable folders.

    Attributes:
        endpoint: host:port that it may connect to; empty: none.
    """

    endpoint: str = ""

    def environment(self, place: str, writable: Sequence[str]) -> dict[str, str]:
        """Give the variables by which a Python finds and sets up the audit.

        Args:
            place: where tests/launcher/audit is, as that Python sees it.
            writable: the folders that may be written, likewise.
        """
        return {
            "PYTHONPATH": place,
            "POTSTILL_AUDIT_WRITABLE": os.pathsep.join(writable),
            "POTSTILL_AUDIT_ENDPOINT": self.endpoint,
        }


def run_pod(
    image: str,
    command: Sequence[str],
    *,
    writable: Mapping[str, Path] = {},
    readable: Mapping[str, Path] = {},
    environment: Mapping[str, str] = {},
    network: str = "none",
    memory: int = 4 * GIBIBYTE,
    seconds: float = 600,
    audit: Audit | None = None,
) -> Ended:
    """Run a command in an image as a hardened pod does, to its end.

    Args:
        image: its name; it must be there, nothing is pulled.
        command: program and arguments; the images have no entrypoint.
        writable: folders of this machine that the pod may write, by their place in it; they come to belong to it.
        readable: folders that it may only read, likewise.
        environment: variables besides the image's own.
        network: none, or host for what speaks to S3.
        memory: bytes, /tmp included; a pod that needs more is killed (137).
        seconds: until it is killed.
        audit: stop and tell what no stage may do; None: the pod's limits alone.

    Raises:
        RuntimeError: docker could not run it.
        TimeoutExpired: it took too long.
    """
    variables = dict(environment)
    mounts = [*_mounts(writable, "rw"), *_mounts(readable, "ro")]
    if audit:
        mounts += _mounts({AUDIT_PLACE: AUDIT}, "ro")
        variables |= audit.environment(AUDIT_PLACE, ["/tmp", *writable])
    user, name = _user(), f"potstill-{uuid4().hex[:12]}"
    for folder in writable.values():
        _give(folder, user)
    named = [argument for variable in variables for argument in ("--env", variable)]
    limits = [f"--memory={memory}", f"--memory-swap={memory}", "--pids-limit=512"]
    return _run(
        [*_hardened(name, user), f"--network={network}", *limits, *mounts, *named, image, *command],
        name, variables, seconds,
    )  # fmt: skip


def _hardened(name: str, user: int) -> list[str]:
    return [
        "docker", "run", "--rm", f"--name={name}", "--pull=never", f"--user={user}:0",
        "--read-only", "--tmpfs=/tmp:rw,nosuid,nodev,noexec,mode=1777",
        "--cap-drop=ALL", "--security-opt=no-new-privileges",
    ]  # fmt: skip


def _user() -> int:
    """Draw a UID that no image knows; who is not root can give files to nobody else, and takes their own."""
    return random.choice(UIDS) if os.geteuid() == 0 else os.geteuid()


def _give(folder: Path, user: int) -> None:
    """Give a folder and all in it to a user, as what a pod's own launcher downloads belongs to it."""
    for each in (folder, *folder.rglob("*")):
        os.chown(each, user, 0 if os.geteuid() == 0 else -1, follow_symlinks=False)


def _mounts(folders: Mapping[str, Path], mode: str) -> list[str]:
    return [f"--volume={folder.resolve()}:{place}:{mode}" for place, folder in folders.items()]


def _run(command: Sequence[str], name: str, variables: Mapping[str, str], seconds: float) -> Ended:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | variables,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
        raise
    if done.returncode == NO_POD:
        raise RuntimeError(f"docker ran no pod: {done.stdout}")
    return Ended(done.returncode, done.stdout)
