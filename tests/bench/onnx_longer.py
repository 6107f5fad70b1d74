"""Giving a checkpoint more positions and words, so that longer rows than its own can be timed.

The rows of its tables are repeated. It computes what it computed for the rows that it knew; the further ones are read
as fast as the others, and that is all they are for.
"""

import json
import shutil
from pathlib import Path

import torch

from potstill.artifacts import CHECKPOINT, expect, seal
from potstill.encoder.checkpoint import CONFIG, WEIGHTS, read_tensors
from potstill.encoder.tensor_file import save_tensors
from potstill.output_folder import creating

# By table its rows, at least. RoBERTa leaves two positions unused; bert_perf_test draws ids below 10,000.
TABLES = {"position_embeddings": ("max_position_embeddings", 130), "word_embeddings": ("vocab_size", 10_000)}


def with_longer_tables(checkpoint: Path, out: Path) -> Path:
    """Write the checkpoint anew, its tables long enough; → the folder."""
    source = expect(checkpoint, CHECKPOINT)
    settings, tensors = json.loads((checkpoint / CONFIG).read_bytes()), read_tensors(checkpoint)
    with creating(out, CHECKPOINT, checkpoint):
        for file in source.files:
            shutil.copyfile(checkpoint / file.path, out / file.path)
        for table, (setting, rows) in TABLES.items():
            settings[setting] = max(settings[setting], rows)
            for name, values in tensors.items():
                if f".{table}.weight" in name:  # the table, or its scales
                    tensors[name] = _repeated(values, settings[setting])
        (out / CONFIG).write_text(json.dumps(settings))
        save_tensors(tensors, out / WEIGHTS)
        seal(out, CHECKPOINT, {"stage": "bench"}, {"checkpoint": source}, source.meaning)
    return out


def _repeated(values: torch.Tensor, rows: int) -> torch.Tensor:
    """Repeat a table from its first row on: (few, ...) → (rows, ...)."""
    return values[torch.arange(rows) % len(values)].contiguous()
