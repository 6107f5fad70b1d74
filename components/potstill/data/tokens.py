"""The token table: unpadded token ids of a split, with label, row id and text.

On disk a split is `<split>.parquet` inside a `tokens/v1` folder; `label` is null where nobody labelled the row. A
multi-label set has `labels` instead: a list, empty where no label applies. In memory the ids lie end to end in one
array, so that a split of a million titles is two arrays and not a million lists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from potstill.errors import ArtifactError

TRAIN, VALIDATION, TEST, UNLABELLED = "train", "validation", "test", "unlabelled"
SPLITS = (TRAIN, VALIDATION, TEST, UNLABELLED)
NO_LABEL = -100  # what PyTorch's cross_entropy ignores
MULTI_LABEL = "multi_label"  # in the meaning of a tokens/v1 whose rows have any number of labels
LABEL_COUNT = b"label_count"  # in the file's metadata, so that a split can be read alone

SCHEMA = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),  # hex digest of the normalised text
        pa.field("text", pa.string(), nullable=False),
        pa.field("input_ids", pa.list_(pa.int32()), nullable=False),
        pa.field("label", pa.int32()),  # index into the artifact's label names; null: unlabelled
    ]
)


def multi_label_schema(labels: int) -> pa.Schema:
    """Return the columns of a multi-label split; labels: how many there are to choose from."""
    column = pa.field("labels", pa.list_(pa.int32()))  # indices of those that apply, ascending; null: unlabelled
    return SCHEMA.set(SCHEMA.get_field_index("label"), column).with_metadata({LABEL_COUNT: str(labels)})


@dataclass(frozen=True)
class TokenTable:
    """Rows of token ids, in the order of the file.

    Attributes:
        ids: (tokens,) int32, the ids of all rows end to end.
        offsets: (rows + 1,) int64; row i is ids[offsets[i]:offsets[i + 1]].
        labels: (rows,) int64, NO_LABEL where there is none; or of a multi-label set (rows, labels) int64, 1 where the
            label applies and 0 where not, NO_LABEL throughout an unlabelled row.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def multi_label(self) -> bool:
        """Whether a row has any number of labels."""
        return self.labels.ndim == 2

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(rows,) number of tokens of each row."""
        return np.diff(self.offsets)

    def row(self, index: int) -> npt.NDArray[np.int32]:
        """Token ids of one row."""
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def take(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> "TokenTable":
        """Return the rows at `indices`, in that order."""
        rows = [self.row(int(index)) for index in indices]
        return from_rows(rows, self.labels[np.asarray(indices, dtype=np.int64)])


def from_rows(rows: Sequence[npt.NDArray[np.int32]], labels: npt.NDArray[np.int64]) -> TokenTable:
    """Lay rows of ids end to end."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    ids = np.concatenate(rows).astype(np.int32) if rows else np.empty(0, np.int32)
    return TokenTable(ids, offsets, np.asarray(labels, dtype=np.int64))


def shortened(table: TokenTable, length: int) -> TokenTable:
    """Cut longer rows to `length` tokens, the last of which, [SEP], stays the last: as a tokenizer truncates."""
    if not len(table) or table.lengths.max() <= length:
        return table
    rows = [table.row(index) for index in range(len(table))]
    cut = [np.append(row[: length - 1], row[-1:]) if len(row) > length else row for row in rows]
    return from_rows(cut, table.labels)


def concatenate(tables: Sequence[TokenTable]) -> TokenTable:
    """Join tables, one after the other; one without any label takes the kind of labels that the first table has."""
    rows = [table.row(index) for table in tables for index in range(len(table))]
    return from_rows(rows, np.concatenate([_like(table.labels, tables[0].labels) for table in tables]))


def _like(labels: npt.NDArray[np.int64], first: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Give labels that say nothing the shape of the first table's."""
    unlabelled = bool((labels == NO_LABEL).all())
    return np.full((len(labels), *first.shape[1:]), NO_LABEL) if unlabelled else labels


def split_path(tokens: Path, split: str) -> Path:
    """Where a split lies in a `tokens/v1` folder."""
    return tokens / f"{split}.parquet"


def has_split(tokens: Path, split: str) -> bool:
    """Tell whether the folder has the split, with at least one row."""
    path = split_path(tokens, split)
    return path.is_file() and pq.read_metadata(path).num_rows > 0


def read_split(tokens: Path, split: str) -> TokenTable:
    """Read a split's ids and labels.

    Raises:
        ArtifactError: the split is not there or has no row.
    """
    if not has_split(tokens, split):
        present = [name for name in SPLITS if has_split(tokens, name)]
        raise ArtifactError(f"{tokens} has no rows in split {split!r}; splits are: {', '.join(present)}")
    schema = pq.read_schema(split_path(tokens, split))
    column = "labels" if "labels" in schema.names else "label"
    table = pq.read_table(split_path(tokens, split), columns=["input_ids", column])
    lists, labels = table["input_ids"].combine_chunks(), table[column].combine_chunks()
    return TokenTable(
        ids=lists.values.to_numpy(zero_copy_only=False).astype(np.int32, copy=False),
        offsets=lists.offsets.to_numpy(zero_copy_only=False).astype(np.int64),
        labels=_one_label(labels) if column == "label" else _label_sets(labels, int(schema.metadata[LABEL_COUNT])),
    )


def _one_label(labels: pa.Array) -> npt.NDArray[np.int64]:
    return np.asarray(labels.fill_null(NO_LABEL).to_numpy(zero_copy_only=False), dtype=np.int64)


def _label_sets(labels: pa.ListArray, count: int) -> npt.NDArray[np.int64]:
    """Spread lists of label numbers over (rows, count) of 0 and 1; NO_LABEL throughout a null row."""
    applies = np.zeros((len(labels), count), np.int64)
    each = labels.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    applies[np.repeat(np.arange(len(labels)), each), labels.flatten().to_numpy(zero_copy_only=False)] = 1
    applies[labels.is_null().to_numpy(zero_copy_only=False)] = NO_LABEL
    return applies


def read_texts(tokens: Path, split: str) -> list[str]:
    """Read a split's texts, in the order of `read_split`."""
    return [str(text) for text in pq.read_table(split_path(tokens, split), columns=["text"])["text"].to_pylist()]


def read_row_ids(tokens: Path, split: str) -> list[str]:
    """Read a split's row ids, in the order of `read_split`."""
    return [str(row) for row in pq.read_table(split_path(tokens, split), columns=["row_id"])["row_id"].to_pylist()]


def batches_of(count: int, size: int) -> Iterator[slice]:
    """Cut `count` rows into consecutive slices of `size`; the last may be shorter."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
