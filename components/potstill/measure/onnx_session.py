"""Running an ONNX file with plain onnxruntime on the CPU: one place for session options, padding and feeding."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from potstill.data.batches import Batch, by_length, pad
from potstill.data.tokens import TokenTable

PROVIDER = "CPUExecutionProvider"


def open_session(path: Path, threads: int = 1) -> ort.InferenceSession:
    """Open a model for measurements that repeat: a fixed number of threads, none of which spins while it waits.

    Args:
        path: an ONNX file.
        threads: threads within an operator, at least 1; operators run one after the other.
    """
    return ort.InferenceSession(str(path), session_options(threads), providers=[PROVIDER])


def session_options(threads: int = 1) -> ort.SessionOptions:
    """Return the session options that every measurement runs with."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # A spinning thread burns the processor time of its neighbours, and its own latency looks better than it is.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def predict_onnx(session: ort.InferenceSession, table: TokenTable, batch_size: int = 1) -> npt.NDArray[np.float32]:
    """Compute the logits of every row.

    Rows of like length share a batch, so little is padded; the result is in the table's order. Rows are padded with
    token id 0, whatever that token is: the attention mask hides it.

    Args:
        session: an open model with inputs `input_ids`, `attention_mask` and, where it has them, `token_type_ids`.
        table: at least one row of token ids.
        batch_size: rows per call, at least 1. Dynamic int8 takes one activation scale for the whole batch, so there
            the logits of a row depend, slightly, on the rows beside it; at 1 they do not.

    Returns: (rows, labels) float32 logits.
    """
    names = {each.name for each in session.get_inputs()}
    batches = list(by_length(table, batch_size))
    found = [session.run(["logits"], feed(names, pad(table, rows)))[0] for rows in batches]
    logits = np.empty((len(table), found[0].shape[1]), np.float32)
    logits[np.concatenate(batches)] = np.concatenate(found)
    return logits


def feed(names: set[str], batch: Batch) -> dict[str, npt.NDArray[np.int64]]:
    """Return the inputs that a graph has, by name; every token is of segment 0, as one text is classified."""
    offered = {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "token_type_ids": np.zeros_like(batch.input_ids),
    }
    return {name: value for name, value in offered.items() if name in names}
