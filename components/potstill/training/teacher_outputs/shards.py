"""Writing shards: where they are cut, and what is refused before it is written."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file

from potstill.encoder.tensor_file import METADATA, failing_as_os_error
from potstill.errors import InputError
from potstill.training.teacher_outputs.layout import LENGTHS, LOGITS, Kept, shard_path

SHARD_BYTES = 256_000_000  # the most that is held in memory, and that a shard takes on disk

Arrays = dict[str, npt.NDArray[np.generic]]


def write_logits(folder: Path, part: str, logits: npt.NDArray[np.float32], lengths: npt.NDArray[np.int64]) -> None:
    """Write a part of which only the logits are kept.

    Args:
        folder: where the shards are written.
        part: its name.
        logits: (rows, labels).
        lengths: (rows,) tokens of each row.

    Raises:
        InputError: a logit is NaN, or too large for fp16.
    """
    kept = Kept((LOGITS,), logits.shape[1])
    for index, rows in enumerate(cut(kept.row_bytes(lengths), SHARD_BYTES)):
        halves = torch.from_numpy(logits[rows]).half().numpy()
        save_shard({LOGITS: halves, LENGTHS: lengths[rows].astype(np.int32)}, shard_path(folder, part, index))


def cut(sizes: npt.NDArray[np.int64], limit: int) -> Iterator[slice]:
    """Cut rows into runs, each as long as fits.

    Args:
        sizes: (rows,) bytes of each.
        limit: the most bytes of a run; one row that is larger is a run of its own.
    """
    ends = np.concatenate([[0], np.cumsum(sizes)])
    start = 0
    while start < len(sizes):
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] + limit, side="right")) - 1)
        yield slice(start, stop)
        start = stop


def save_shard(arrays: Arrays, path: Path) -> None:
    """Write a shard.

    Raises:
        InputError: a number is NaN, or was too large for fp16.
        OSError: the disk is full, or the file cannot be written for another reason of the system's.
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            way_out = "is the teacher trained?" if name == LOGITS else f"leave {name} out of keep"
            raise InputError(f"the teacher's {name} are NaN or above 65504, the most that float16 holds; {way_out}")
    with failing_as_os_error(path):
        save_file(arrays, path, metadata=METADATA)
