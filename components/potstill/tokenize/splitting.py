"""From a stream of raw batches to the rows of each split, refused where they cannot be trained on or judged by."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from potstill.data.tokens import TEST, TRAIN, VALIDATION
from potstill.errors import InputError
from potstill.tokenize.arrangement import Counts, gather, scatter
from potstill.tokenize.control_characters import refuse_control_characters
from potstill.tokenize.label_sets import with_label_sets
from potstill.tokenize.rows import write_rows
from potstill.tokenize.split import Shares, Splitter


@dataclass(frozen=True)
class Division:
    """A table, divided.

    Attributes:
        counts: what became of the rows.
        rows: rows of each split.
        labels: label names, sorted; a name's place is its number.
    """

    counts: Counts
    rows: dict[str, int]
    labels: list[str]


def divide(
    batches: Iterable[pa.RecordBatch], shares: Shares, seed: int, labelled: bool, folder: Path, separator: str = ""
) -> Division:
    """Read a table once and leave each split's rows in a folder.

    Args:
        batches: text and label as strings (`data.table_columns.RAW_SCHEMA`).
        shares: how rows are divided.
        seed: draws the split.
        labelled: whether labels are wanted.
        folder: where the rows go; `rows.read_rows` reads them.
        separator: stands between several labels of one row; empty: one label per row.

    Raises:
        InputError: no text is left, fewer than two labels, a control character in one, a wanted split is empty, or a
            label has no training row.
    """
    counts, splitter = Counts(), Splitter(shares)
    scatter(refuse_control_characters(with_label_sets(batches, separator), separator), folder, seed, counts)
    labels, trained = write_rows(gather(folder, counts), splitter, folder, separator)
    if not counts.unique:
        raise InputError(
            f"no text is left of {counts.rows} rows: {counts.empty} are empty, {counts.conflicts} contradict each other"
        )
    if labelled:
        _check(f"{counts.rows} rows gave {counts.unique} distinct texts", shares, splitter.rows, labels, trained)
    return Division(counts, splitter.rows, labels)


def _check(found: str, shares: Shares, rows: dict[str, int], labels: list[str], trained: set[str]) -> None:
    if len(labels) < 2:
        raise InputError(
            f"{found} with {len(labels)} label{'' if labels else 's'}; a classifier needs two. "
            "Pass another --label-column, or --label-column '' for texts without labels"
        )
    wanted = {TEST: shares.test, VALIDATION: shares.validation, TRAIN: 1.0}
    empty = [split for split, share in wanted.items() if share and not rows[split]]
    if empty:
        raise InputError(f"{found}: too few for {' and '.join(empty)}; bring more rows, or change the shares")
    untrained = [label for label in labels if label not in trained]
    if untrained:
        raise InputError(
            f"no training row has the label {', '.join(untrained[:10])}{' …' if len(untrained) > 10 else ''}; raise "
            "--labelled-rows, draw another --seed, or take these rows out of the table"
        )
