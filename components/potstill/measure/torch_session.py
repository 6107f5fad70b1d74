"""Running a PyTorch classifier over a token table: padded batches of rows of like length."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from potstill.data.batches import by_length, pad
from potstill.data.tokens import TokenTable
from potstill.progress import progress


def predict_torch(
    model: nn.Module, table: TokenTable, batch_size: int = 64, what: str = "evaluating"
) -> npt.NDArray[np.float32]:
    """Return every row's logits; the model computes where its parameters lie, in the mode it is in.

    Args:
        model: a Hugging Face sequence classifier in evaluation mode.
        table: the rows.
        batch_size: rows per batch; rows of like length share one, so that little is padded.
        what: what the progress line says; empty: no progress is shown.

    Returns: (rows, labels) float32, in the table's order.
    """
    device = next(model.parameters()).device
    batches = list(by_length(table, batch_size))
    computed = []
    with torch.inference_mode():
        for rows in progress(batches, what, unit="batch") if what else batches:
            batch = pad(table, rows)
            ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
            computed.append(model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits.float().cpu())
    logits = np.empty((len(table), computed[0].shape[1]), dtype=np.float32)
    logits[np.concatenate(batches)] = torch.cat(computed).numpy()
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
