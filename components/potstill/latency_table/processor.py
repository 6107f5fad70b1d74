"""The name of the processor, for people: a measured time means nothing without it."""

import platform
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")


def processor() -> str:
    """Return the processor's name as the system tells it, and its instruction-set tier as torch does."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    name = next(named, "") or platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
