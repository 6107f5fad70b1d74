"""Running a Core ML classifier over a token table with the interpreter of `potstill.coreml`: no Mac is needed."""

import numpy as np
import numpy.typing as npt

from potstill.coreml import Program
from potstill.coreml.lengths import Lengths, lengths_of
from potstill.coreml.mlprogram.program import Observe
from potstill.data.batches import pad
from potstill.data.tokens import TokenTable, from_rows
from potstill.errors import InputError

IDS, LOGITS = "input_ids", "logits"


def predict_coreml(program: Program, table: TokenTable, observe: Observe | None = None) -> npt.NDArray[np.float32]:
    """Compute the logits of every row, one row at a time as a phone does, each padded to a length that is taken.

    The interpreter keeps no state, so chunks of a table may be computed in any order and in several threads.

    Args:
        program: a loaded package with inputs `input_ids`, `attention_mask` and, where the family has segments,
            `token_type_ids`, and an output `logits`.
        table: at least one row of token ids; longer rows are cut, see `cut`.
        observe: sees every floating value, see `Program.predict`.

    Returns: (rows, labels) float32.

    Raises:
        InputError: the package has no such inputs or output.
    """
    if LOGITS not in program.outputs or IDS not in program.inputs:
        raise InputError(
            f"{program.package.path} takes {', '.join(program.inputs)} and gives {', '.join(program.outputs)}; "
            f"wanted are an input {IDS} and an output {LOGITS}"
        )
    lengths = lengths_of(program.inputs[IDS])
    fitting = cut(table, lengths.longest)
    return np.concatenate([_row(program, fitting, index, lengths, observe) for index in range(len(fitting))])


def cut(table: TokenTable, length: int) -> TokenTable:
    """Shorten rows to `length` tokens as a tokenizer truncates: the last token, [SEP], stays the last."""
    if int(table.lengths.max()) <= length:
        return table
    rows = [table.row(index) for index in range(len(table))]
    return from_rows(
        [row if len(row) <= length else np.append(row[: length - 1], row[-1]) for row in rows], table.labels
    )


def _row(
    program: Program, table: TokenTable, index: int, lengths: Lengths, observe: Observe | None
) -> npt.NDArray[np.float32]:
    batch = pad(table, np.array([index]), lengths.fitting(int(table.lengths[index])))
    feeds = {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "token_type_ids": np.zeros_like(batch.input_ids),
    }
    given = {name: feeds[name] for name in program.inputs if name in feeds}
    return np.asarray(program.predict(given, observe)[LOGITS], dtype=np.float32)
