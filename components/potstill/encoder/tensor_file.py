"""Writing a safetensors file whose bytes depend on its tensors alone, and saying plainly why it cannot be written."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

# One key only: with more, safetensors' header order and so the file's digest is not stable.
METADATA = {"format": "pt"}


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write tensors by name.

    Raises:
        OSError: the disk is full, or the file cannot be written for another reason of the system's.
    """
    with failing_as_os_error(path):
        save_file(dict(tensors), path, metadata=METADATA)


@contextmanager
def failing_as_os_error(path: Path) -> Iterator[None]:
    """Turn what safetensors says of a file that it could not write into the OSError that it is."""
    try:
        yield
    except SafetensorError as failed:
        reason = str(failed).rpartition("I/O error: ")[2]
        raise OSError(None, reason, str(path)) from failed
