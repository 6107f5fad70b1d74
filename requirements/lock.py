"""Make lock.txt, torch-cpu.txt and torch-cuda.txt again from pyproject.toml. `make lock` runs it; it needs uv.

uv resolves for all platforms at once and writes every file's hash; the lock is then cut in three, because a machine
without a GPU must not get several GB of CUDA libraries.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TORCH = "2.13.0"  # the newest whose CPU build, coremltools 9.0 and optimum-onnx 0.1.0 were measured together
# torch 2.13.0+cpu for CPython 3.11 on Linux x86-64. No hash of PyPI's Linux wheels may stand beside it: pip prefers a
# file whose hash its index tells, and the CPU build often lies in a plain folder, which tells none.
TORCH_CPU = "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
MACOS = ("--platform", "macosx_14_0_arm64", "--python-version", "3.11", "--only-binary", ":all:", "--target", "unused")
CUDA_NAMES = ("torch==", "nvidia-", "cuda-", "triton==")
UV = (
    "uv",
    "pip",
    "compile",
    "pyproject.toml",
    "--extra",
    "all",
    "--extra",
    "dev",
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--quiet",
    "--no-emit-index-url",
    "--constraint",
    "-",
)


def main() -> None:
    """Resolve and write the three files."""
    environment = os.environ | {"UV_NATIVE_TLS": "1"}
    resolved = subprocess.run(
        UV, cwd=HERE.parent, input=f"torch=={TORCH}\n", capture_output=True, text=True, env=environment, check=False
    )
    if resolved.returncode:
        sys.exit(resolved.stderr)
    entries = _entries(resolved.stdout)
    cuda = [entry for entry in entries if entry.startswith(CUDA_NAMES)]
    _write("lock.txt", [entry for entry in entries if entry not in cuda])
    hashes = "".join(f" \\\n    --hash=sha256:{each}" for each in (TORCH_CPU, _macos_hash()))
    _write("torch-cpu.txt", [f"torch=={TORCH}{hashes}"])
    _write("torch-cuda.txt", cuda)


def _macos_hash() -> str:
    """SHA-256 of PyPI's wheel for macOS, which is a CPU build."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
    told = subprocess.run(
        [*command, *MACOS, "--report", "-", f"torch=={TORCH}"], capture_output=True, text=True, check=True
    )
    report = json.loads(told.stdout)
    return str(report["install"][0]["download_info"]["archive_info"]["hashes"]["sha256"])


def _entries(text: str) -> list[str]:
    """One string per package, its hashes on the lines below it."""
    entries: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += "\n" + line
        elif line:
            entries.append(line)
    return entries


def _write(name: str, entries: list[str]) -> None:
    (HERE / name).write_text("# Made by `make lock`; do not edit.\n" + "\n".join(entries) + "\n")


if __name__ == "__main__":
    main()
