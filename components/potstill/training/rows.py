"""The rows that a student learns from: labelled and unlabelled together, for the teacher labels them all."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from potstill.data.tokens import NO_LABEL, TRAIN, UNLABELLED, TokenTable, concatenate, has_split, read_split
from potstill.errors import InputError


def rows_to_learn(
    tokens: Path, limit: int = 0, seed: int = 0, read: Callable[[Path, str], TokenTable] = read_split
) -> TokenTable:
    """Read the `train` and `unlabelled` rows of a token set.

    Args:
        tokens: folder of `tokens/v1`.
        limit: keep at most so many rows, chosen at random; 0: all.
        seed: of that choice.
        read: reads a split: as it is, or cut anew by another tokenizer; the choice is the same.

    Raises:
        InputError: there are no such rows.
    """
    splits = [split for split in (TRAIN, UNLABELLED) if has_split(tokens, split)]
    if not splits:
        raise InputError(f"{tokens} has no rows to learn from: neither a {TRAIN} nor an {UNLABELLED} split")
    table = concatenate([read(tokens, split) for split in splits])
    if not limit or limit >= len(table):
        return table
    random = np.random.Generator(np.random.PCG64(seed))
    return table.take(np.sort(random.choice(len(table), limit, replace=False)))


def labelled(table: TokenTable) -> TokenTable:
    """Return the rows of a table that have a label."""
    return table.take(np.flatnonzero(table.labels != NO_LABEL))
