"""Running a Core ML classifier over a token table with the interpreter of `potstill.coreml`: no Mac is needed."""

import numpy as np
import numpy.typing as npt

from potstill.coreml import Program
from potstill.data.batches import pad
from potstill.data.tokens import TokenTable, from_rows
from potstill.errors import InputError

LOGITS = "logits"


def predict_coreml(program: Program, table: TokenTable, max_length: int) -> npt.NDArray[np.float32]:
    """Compute the logits of every row, one row at a time as a phone does, each padded to the package's fixed length.

    The interpreter keeps no state, so chunks of a table may be computed in any order and in several threads.

    Args:
        program: a loaded package with inputs `input_ids`, `attention_mask`, `token_type_ids` and an output `logits`.
        table: at least one row of token ids.
        max_length: the package's length in tokens; longer rows are cut, see `cut`.

    Returns: (rows, labels) float32.

    Raises:
        InputError: the package has no such inputs or output, or another length.
    """
    if LOGITS not in program.outputs:
        raise InputError(f"{program.package.path} gives {', '.join(program.outputs)}; wanted is an output {LOGITS}")
    fitting = cut(table, max_length)
    return np.concatenate([_row(program, fitting, index, max_length) for index in range(len(fitting))])


def cut(table: TokenTable, length: int) -> TokenTable:
    """Shorten rows to `length` tokens as a tokenizer truncates: the last token, [SEP], stays the last."""
    if int(table.lengths.max()) <= length:
        return table
    rows = [table.row(index) for index in range(len(table))]
    return from_rows(
        [row if len(row) <= length else np.append(row[: length - 1], row[-1]) for row in rows], table.labels
    )


def _row(program: Program, table: TokenTable, index: int, length: int) -> npt.NDArray[np.float32]:
    batch = pad(table, np.array([index]), length)
    inputs = {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "token_type_ids": np.zeros_like(batch.input_ids),
    }
    return np.asarray(program.predict(inputs)[LOGITS], dtype=np.float32)
