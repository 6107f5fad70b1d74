"""Where and how exactly the arithmetic runs: device, threads, precision, determinism."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch

NATIVE_BF16 = ("avx512_bf16", "amx_bf16", "bf16")  # x86 flags; the last is Arm's


def pick_device() -> torch.device:
    """Return the GPU when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resolve_dtype(wanted: str, device: torch.device) -> torch.dtype:
    """Turn the `dtype` option into torch's; "auto" is bfloat16 where the hardware multiplies it natively."""
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bfloat16" else torch.float32
    native = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_has_bf16()
    return torch.bfloat16 if native else torch.float32


@cache
def _cpu_has_bf16() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return False
    lines = cpuinfo.read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith(("flags", "Features"))), [])
    return any(flag in flags for flag in NATIVE_BF16)


@contextmanager
def reproducible(seed: int, threads: int) -> Iterator[None]:
    """Fix seeds, threads and algorithms: the same work gives the same bytes. The caller's state comes back after."""
    memory: Any = torch.utils.deterministic  # its property is not in PyTorch's types
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), memory.fill_uninitialized_memory)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    memory.fill_uninitialized_memory = False  # it guards against reading memory never written; 4 % of a training step
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.random.set_rng_state(state)
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(mode=before[1])
        memory.fill_uninitialized_memory = before[2]


def autocast(dtype: torch.dtype, device: torch.device) -> torch.autocast:
    """Compute matrix products in `dtype`; weights, sums and losses stay fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)
