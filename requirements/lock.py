"""Make lock.txt, torch-cpu.txt and torch-cuda.txt again from pyproject.toml. `make lock` runs it; it needs uv.

uv resolves for all platforms at once and writes every file's hash; the lock is then cut in three, because a machine
without a GPU must not get several GB of CUDA libraries. images/locks/ holds what of it goes into which image.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from images.families import FAMILIES  # noqa: E402 - found by the line above

IMAGE_LOCKS = HERE.parent / "images" / "locks"
TORCH = "2.13.0"  # the newest whose CPU build, coremltools 9.0 and optimum-onnx 0.1.0 were measured together
# torch 2.13.0+cpu for CPython 3.11 on Linux x86-64. No hash of PyPI's Linux wheels may stand beside it: pip prefers a
# file whose hash its index tells, and the CPU build often lies in a plain folder, which tells none.
TORCH_CPU = "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
OTHERS = ("macosx_14_0_arm64", "manylinux_2_28_aarch64")  # PyPI's wheels for these are CPU builds
PIN = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?(==[^\\\n]+)", re.MULTILINE)  # name, version and where it holds
CUDA_NAMES = ("torch==", "nvidia-", "cuda-", "triton==")
UV = (
    "uv",
    "pip",
    "compile",
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--no-strip-extras",
    "--quiet",
    "--no-emit-index-url",
)


def main() -> None:
    """Resolve and write the three files, and the locks of the images."""
    entries = _resolved(("all", "dev"), f"torch=={TORCH}\n")
    cuda = [entry for entry in entries if entry.startswith(CUDA_NAMES)]
    _write(HERE / "lock.txt", [entry for entry in entries if entry not in cuda])
    hashes = "".join(f" \\\n    --hash=sha256:{each}" for each in (TORCH_CPU, *map(_torch_hash, OTHERS)))
    _write(HERE / "torch-cpu.txt", [f"torch=={TORCH}{hashes}"])
    _write(HERE / "torch-cuda.txt", cuda)
    write_image_locks()


def write_image_locks() -> None:
    """Write the lock of each family of images: what lock.txt pins, as far as its stages need it, and KFP's executor.

    kfp goes without what it depends on: under _KFP_RUNTIME its executor imports nothing but itself.
    """
    locked = "".join(each.read_text() for each in (HERE / "lock.txt", HERE / "torch-cuda.txt"))
    pins = "".join(f"{name}{version}\n" for name, version in PIN.findall(locked))
    executor = [entry for entry in _entries(locked) if entry.startswith("kfp==")]
    for family in FAMILIES:
        of_stages = {stage: _resolved((stage,), pins) for stage in family.stages}
        first, *others = of_stages.values()
        if any(other != first for other in others):
            sys.exit(f"the extras of {', '.join(of_stages)} differ; give the stages families of their own")
        own = [entry for entry in first if not entry.startswith(CUDA_NAMES)]
        _write(IMAGE_LOCKS / f"{family.name}.txt", sorted(own + executor))
    _write(IMAGE_LOCKS / "pip.txt", _resolved((), "", "pip\n"))


def _resolved(extras: Sequence[str], constraints: str, wanted: str = "") -> list[str]:
    """Resolve the project with some extras, or else `wanted`; → one entry per package."""
    asked = [argument for extra in extras for argument in ("--extra", extra)]
    with tempfile.TemporaryDirectory() as folder:
        (bounds := Path(folder) / "constraints.txt").write_text(constraints)
        (source := Path(folder) / "wanted.in").write_text(wanted)
        command = [*UV, "--constraint", str(bounds), *asked, "pyproject.toml" if extras else str(source)]
        environment = os.environ | {"UV_NATIVE_TLS": "1"}
        told = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, env=environment, check=False)
    if told.returncode:
        sys.exit(told.stderr)
    return [each for entry in _entries(told.stdout) for each in _of_both_names(entry)]


def _torch_hash(platform: str) -> str:
    """SHA-256 of PyPI's wheel of PyTorch for a platform."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
    wheel = ("--platform", platform, "--python-version", "3.11", "--only-binary", ":all:", "--target", "unused")
    told = subprocess.run(
        [*command, *wheel, "--report", "-", f"torch=={TORCH}"], capture_output=True, text=True, check=True
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


def _of_both_names(entry: str) -> list[str]:
    """Pin a package that is asked for with an extra without it, too: to pip these are two requirements."""
    plain = re.sub(r"^([\w.-]+)\[[^]]*\]", r"\1", entry)
    return [entry] if plain == entry else [plain, entry]


def _write(path: Path, entries: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# Made by `make lock`; do not edit.\n" + "\n".join(entries) + "\n")


if __name__ == "__main__":
    main()
