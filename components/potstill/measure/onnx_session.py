"""Running an ONNX file with plain onnxruntime on the CPU: one place for session options, padding and feeding."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from potstill.data.batches import PAD, Batch, by_length, pad
from potstill.data.tokens import TokenTable, shortened

PROVIDER = "CPUExecutionProvider"
ERRORS_ONLY = 3  # severity of what onnxruntime logs
INPUTS = ("input_ids", "attention_mask", "token_type_ids")  # what the files of any family have, and no other


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


def writing_options(graph: Path) -> ort.SessionOptions:
    """Return the options of a session that writes the graph it makes of a file, to read it back; graph: where to."""
    options = session_options()
    options.optimized_model_filepath = str(graph)
    options.log_severity_level = ERRORS_ONLY  # it remarks that the graph is for this processor: so it is meant
    return options


def predict_onnx(session: ort.InferenceSession, table: TokenTable, batch_size: int = 1) -> npt.NDArray[np.float32]:
    """Compute the logits of every row.

    Rows of like length share a batch, so little is padded; the result is in the table's order. Rows are padded with
    token id 0, whatever that token is: the attention mask hides it. A file of fixed length reads so many tokens of a
    longer row, as an app that cuts its texts for it does.

    Args:
        session: an open model with inputs `input_ids`, `attention_mask` and, where it has them, `token_type_ids`.
        table: at least one row of token ids.
        batch_size: rows per call, at least 1; a file of fixed batch takes its own. Dynamic int8 takes one activation
            scale for the whole batch, so there the logits of a row depend, slightly, on the rows beside it; at 1 they
            do not.

    Returns: (rows, labels) float32 logits.
    """
    rows, tokens = fixed_shape(session)
    table = shortened(table, tokens) if tokens else table
    batches = list(by_length(table, rows or batch_size))
    found = [answer_onnx(session, pad(table, each)) for each in batches]
    logits = np.empty((len(table), found[0].shape[1]), np.float32)
    logits[np.concatenate(batches)] = np.concatenate(found)
    return logits


def answer_onnx(session: ort.InferenceSession, batch: Batch, output: str = "logits") -> npt.NDArray[np.float32]:
    """Compute one batch, padded to what a file of fixed shape takes.

    Args:
        session: an open model.
        batch: no more rows and tokens than the file takes.
        output: name of the output, whose first axis is rows and, of `last_hidden_state`, whose second is tokens.
    """
    rows, tokens = batch.input_ids.shape
    found: npt.NDArray[np.float32] = session.run([output], feed_for(session, batch))[0]
    return found[:rows] if found.ndim == 2 else found[:rows, :tokens]


def fixed_shape(session: ort.InferenceSession) -> tuple[int, int]:
    """Return the rows and the tokens that a file takes; 0 where it takes any number."""
    rows, tokens = (size if isinstance(size, int) else 0 for size in session.get_inputs()[0].shape)
    return rows, tokens


def feed_for(session: ort.InferenceSession, batch: Batch) -> dict[str, npt.NDArray[np.int64]]:
    """Return an open model's inputs for a batch, padded to what a file of fixed shape takes."""
    return feed({each.name for each in session.get_inputs()}, _widened(batch, *fixed_shape(session)))


def feed(names: set[str], batch: Batch) -> dict[str, npt.NDArray[np.int64]]:
    """Return the inputs that a graph has, by name; of a batch without segments every token is of the first text."""
    segments = np.zeros_like(batch.input_ids) if batch.segments is None else batch.segments
    offered = zip(INPUTS, (batch.input_ids, batch.attention_mask, segments), strict=True)
    return {name: value for name, value in offered if name in names}


def _widened(batch: Batch, rows: int, tokens: int) -> Batch:
    """Repeat the last row, and pad, up to a fixed shape; 0: as it is."""
    more_rows = max(rows - len(batch.rows), 0)
    more_tokens = max(tokens - batch.input_ids.shape[1], 0)

    def wide(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        longer = np.pad(values, ((0, 0), (0, more_tokens)), constant_values=PAD)
        return np.concatenate([longer, np.repeat(longer[-1:], more_rows, 0)])

    segments = None if batch.segments is None else wide(batch.segments)
    return Batch(batch.rows, wide(batch.input_ids), wide(batch.attention_mask), batch.labels, segments)
