"""Running a PyTorch classifier over a token table: padded batches of rows of like length."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from potstill import processes
from potstill.data.batches import Batch, by_length, of_equal_length, pad
from potstill.data.tokens import TokenTable
from potstill.encoder.quantized_linears import reads_padding
from potstill.progress import progress


def predict_torch(
    model: Any, table: TokenTable, batch_size: int = 64, what: str = "evaluating"
) -> npt.NDArray[np.float32]:
    """Return every row's logits; the model computes where its parameters lie, in the mode it is in.

    Several processes each compute every so many batches, and all of them get all logits.

    Args:
        model: a Hugging Face sequence classifier in evaluation mode.
        table: the rows.
        batch_size: rows per batch; rows of like length share one, so that little is padded. Of equal length where a
            text's answer would change with its padding.
        what: what the progress line says; empty: no progress is shown.

    Returns: (rows, labels) float32, in the table's order.
    """
    batches = list((of_equal_length if reads_padding(model) else by_length)(table, batch_size))
    logits = torch.zeros(len(table), model.config.num_labels)
    own = batches[processes.rank() :: processes.count()]
    with torch.inference_mode():
        for rows in progress(own, what, unit="batch") if what else own:
            logits[rows] = answer(model, pad(table, rows)).cpu()
    return processes.total(logits).numpy()


def answer(model: Any, batch: Batch) -> torch.Tensor:
    """Run a classifier over one batch: (rows, labels) float32, where the model's parameters lie."""
    device = next(model.parameters()).device
    ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
    logits: torch.Tensor = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits.float()
    return logits


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch compute on `count` CPU threads; the caller's number comes back after."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
