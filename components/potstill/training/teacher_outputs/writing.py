"""The teacher's pass: every row once, in batches of like length, written shard by shard."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.data.batches import Batch, by_length, pad
from potstill.data.tokens import TokenTable
from potstill.progress import progress
from potstill.training.device import autocast, pick_device
from potstill.training.internals import Internals, run_with_internals
from potstill.training.losses import relations
from potstill.training.teacher_outputs.layout import (
    CLS,
    LENGTHS,
    LOGITS,
    RELATIONS,
    Kept,
    relation_numbers,
    shard_path,
)
from potstill.training.teacher_outputs.shards import SHARD_BYTES, Arrays, cut, save_shard


@dataclass(frozen=True, eq=False)
class _Shard:
    path: Path
    rows: TokenTable


def write_outputs(
    teacher: PreTrainedModel,
    parts: Mapping[str, TokenTable],
    folder: Path,
    kept: Kept,
    batch_size: int,
    dtype: torch.dtype,
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Compute what a teacher answers on the rows of each part, and write it.

    Args:
        teacher: a classifier in evaluation mode; it ends on the CPU.
        parts: token tables by part.
        folder: where the shards are written.
        kept: what is kept.
        batch_size: rows per batch.
        dtype: of the matrix products; sums, and what is kept, are fp32 and then rounded to fp16.
        shard_bytes: the most that a shard takes; a row that is larger is a shard of its own.

    Raises:
        InputError: an answer is NaN, or too large for fp16.
    """
    device = pick_device()
    teacher.to(device)
    shards = [shard for part, table in parts.items() for shard in _shards(folder, part, table, kept, shard_bytes)]
    plan = [(shard, rows) for shard in shards for rows in by_length(shard.rows, batch_size)]
    steps = progress(plan, "teacher outputs", unit="batch")
    for shard, batches in groupby(steps, key=lambda step: step[0]):
        arrays = _room(shard.rows, kept)
        starts = np.cumsum(relation_numbers(shard.rows.lengths, kept.relation_heads))
        for _, rows in batches:
            batch = pad(shard.rows, rows)
            with torch.inference_mode():
                _fill(arrays, starts, batch, _answer(teacher, batch, kept, dtype, device), kept)
        save_shard(arrays, shard.path)
    teacher.to("cpu")


def _shards(folder: Path, part: str, table: TokenTable, kept: Kept, limit: int) -> Iterator[_Shard]:
    for index, rows in enumerate(cut(kept.row_bytes(table.lengths), limit)):
        view = TokenTable(table.ids, table.offsets[rows.start : rows.stop + 1], table.labels[rows])
        yield _Shard(shard_path(folder, part, index), view)


def _room(table: TokenTable, kept: Kept) -> Arrays:
    rows, half = len(table), np.float16
    arrays: Arrays = {LOGITS: np.empty((rows, kept.labels), half), LENGTHS: table.lengths.astype(np.int32)}
    if CLS in kept.names:
        arrays[CLS] = np.empty((rows, kept.layers, kept.hidden), half)
    if RELATIONS in kept.names:
        arrays[RELATIONS] = np.empty(int(relation_numbers(table.lengths, kept.relation_heads).sum()), half)
    return arrays


def _answer(
    teacher: PreTrainedModel, batch: Batch, kept: Kept, dtype: torch.dtype, device: torch.device
) -> Mapping[str, Tensor]:
    """Run the teacher on a batch; → what is kept of it, padded, float16, on the CPU."""
    ids, mask = (torch.from_numpy(each).to(device) for each in (batch.input_ids, batch.attention_mask))
    with autocast(dtype, device):
        seen = _run(teacher, ids, mask, kept)
    found = {LOGITS: seen.logits}
    if CLS in kept.names:
        found[CLS] = torch.stack([state[:, 0] for state in seen.hidden[1:]], dim=1)
    if RELATIONS in kept.names:
        states = (each[kept.relation_layer - 1].float() for each in (seen.queries, seen.keys, seen.values))
        found[RELATIONS] = torch.stack([relations(each, kept.relation_heads, mask).exp().half() for each in states], 1)
    return {name: tensor.half().cpu() for name, tensor in found.items()}


def _run(teacher: PreTrainedModel, ids: Tensor, mask: Tensor, kept: Kept) -> Internals:
    """Run the teacher, and hold no more of its inside than is kept: all of it is gigabytes for a large batch."""
    if RELATIONS in kept.names:
        return run_with_internals(teacher, ids, mask)
    output = teacher(input_ids=ids, attention_mask=mask, output_hidden_states=CLS in kept.names)
    return Internals(output.logits, output.hidden_states or ())


def _fill(arrays: Arrays, ends: npt.NDArray[np.int64], batch: Batch, found: Mapping[str, Tensor], kept: Kept) -> None:
    """Put a batch where its rows stand; ends: (rows,) where each row's relations end."""
    for name in kept.names:
        if name != RELATIONS:
            arrays[name][batch.rows] = found[name].numpy()
            continue
        for row, padded in zip(batch.rows, found[name].numpy(), strict=True):
            length = int(arrays[LENGTHS][row])
            values = padded[..., :length, :length].ravel()
            arrays[name][ends[row] - len(values) : ends[row]] = values
