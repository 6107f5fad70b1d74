"""Where a launcher's command runs: in the task's own image, or, where there are none, in a process of this Python."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.launcher.executor_input import OUTPUT_FILE, PARAMETERS
from tests.launcher.pod import Audit, Ended, run_pod

COMPONENTS = Path(__file__).parents[2] / "components"
WRITABLE = ("s3", str(Path(OUTPUT_FILE).parent), PARAMETERS)  # what the launcher fills or reads; below a pod's root
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
# An image's `python3`, with KFP's mount point below the pod's folder. KFP has a constant for it, and no setting.
PYTHON = """#!/bin/sh
exec {python} -c '
import runpy, sys
from kfp.dsl.types import artifact_types
artifact_types._S3_LOCAL_MOUNT_PREFIX = "{root}/s3/"
sys.argv[:] = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
' "$@"
"""


@dataclass(frozen=True)
class Launch:
    """What the launcher starts.

    Attributes:
        container: of the IR: image, env, resources.
        command: program and arguments, with nothing left to fill in.
        folder: of this machine, with the pod's files.
        environment: variables.
        network: none, or host.
    """

    container: Mapping[str, Any]
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    network: str


class Pods(Protocol):
    """A way of running pods."""

    def root(self, folder: Path) -> str:
        """What a pod's own paths to its files begin with."""

    def run(self, launch: Launch) -> Ended:
        """Run a command to its end."""


@dataclass(frozen=True)
class ImagePods:
    """Each task in its own image, hardened.

    Attributes:
        audit: what Python in the pod is stopped from; None: the pod's limits alone.
    """

    audit: Audit | None = None

    def root(self, _folder: Path) -> str:
        """Nothing: a pod has its root for itself."""
        return ""

    def run(self, launch: Launch) -> Ended:
        """Run it as `run_pod` does, with the memory that the pipeline asks for."""
        limit = launch.container.get("resources", {}).get("resourceMemoryLimit", "4Gi")
        return run_pod(
            launch.container["image"],
            launch.command,
            writable={f"/{each}": launch.folder / each for each in WRITABLE},
            environment=launch.environment,
            network=launch.network,
            memory=bytes_of(limit),
            audit=self.audit,
        )


class ProcessPods:
    """Each task in a process of this Python, whose /s3 and /tmp are below the pod's folder; nothing is hardened."""

    def root(self, folder: Path) -> str:
        """The folder itself."""
        return str(folder)

    def run(self, launch: Launch) -> Ended:
        """Run it; the network is this machine's, and of S3's variables there are only those of the launch."""
        temporary = launch.folder / "tmp"
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
        own |= {"PYTHONPATH": str(COMPONENTS), "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        own |= {"TMPDIR": str(temporary), "HOME": str(temporary), "PATH": f"{_python(launch.folder)}:{own['PATH']}"}
        done = subprocess.run(
            launch.command,
            env=own | launch.environment,
            cwd=launch.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            timeout=600,
        )
        return Ended(done.returncode, done.stdout)


def _python(folder: Path) -> Path:
    """Write a `python3` for a pod; → the folder to look for it in."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "python3").write_text(PYTHON.format(python=sys.executable, root=folder), encoding="utf-8")
    (programs / "python3").chmod(0o755)
    return programs


def bytes_of(quantity: str) -> int:
    """Read a quantity of Kubernetes: 512M, 8G, 4Gi.

    Raises:
        KeyError: a unit that is none.
    """
    number = quantity.rstrip("KMGi")
    return int(float(number) * UNITS[quantity.removeprefix(number)])
