"""Who made an artifact: the stage, its options, and the code, libraries and processor it ran with.

No time of day and no duration stands here: both would give the same work another digest each time.
"""

import hashlib
import os
import sys
from dataclasses import is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import potstill
from potstill.artifacts import Maker
from potstill.options import recorded

LIBRARIES = (
    "coremltools",
    "numpy",
    "onnx",
    "onnxruntime",
    "optimum-onnx",
    "pyarrow",
    "tokenizers",
    "torch",
    "transformers",
)


def maker(stage: str, config: Any) -> Maker:
    """Describe the making of an artifact.

    Args:
        stage: the stage's name, as on the command line.
        config: its frozen options, a dataclass.
    """
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"config must be a dataclass instance, got {config!r}")
    return {
        "stage": stage,
        "potstill": potstill.__version__,
        "revision": revision(),
        "source": source_digest(),
        "libraries": _loaded_libraries(),
        "config": recorded(config),
        "processor": _processor(),
    }


@cache
def source_digest() -> str:
    """SHA-256 (hex) over the potstill package's own Python files: two runs of the same code have the same one."""
    root = Path(potstill.__file__).parent
    total = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        total.update(file.relative_to(root).as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


@cache
def revision() -> str:
    """The git revision: from POTSTILL_REVISION (images carry it), else from the checkout, else empty."""
    given = os.environ.get("POTSTILL_REVISION")
    git = Path(potstill.__file__).parents[2] / ".git"
    if given is not None or not (git / "HEAD").is_file():
        return given or ""
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    if (git / name).is_file():
        return (git / name).read_text().strip()
    packed = (git / "packed-refs").read_text().splitlines() if (git / "packed-refs").is_file() else []
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")


def _loaded_libraries() -> dict[str, str]:
    """Versions of the libraries that this process has loaded; what a stage did not load did not shape its bytes."""
    found = {}
    for name in LIBRARIES:
        module = name.replace("-", ".").split(".")[0]
        if module in sys.modules:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "unknown"
    return found


def _processor() -> dict[str, Any]:
    """Threads, processes and instruction-set tier of torch: they change the last bits of every sum it computes."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    group = torch.distributed
    return {
        "threads": torch.get_num_threads(),
        "processes": group.get_world_size() if group.is_initialized() else 1,
        "isa": torch.backends.cpu.get_cpu_capability(),
    }
