"""How teacher-outputs/v1 lies on disk: its parts, its tensors, and what a row of each takes.

A part is `<part>-00000.safetensors`, `<part>-00001.safetensors`, …, rows in the order of its token table. A shard holds
`logits` (rows, labels) float16, `lengths` (rows,) int32 and, when kept, `cls` (rows, layers, hidden) float16 and
`relations`, float16 and flat: row after row, each (3, heads, length, length), without padding.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from potstill.data.tokens import TRAIN, UNLABELLED, VALIDATION, TokenTable, has_split, read_split

LOGITS, CLS, RELATIONS, LENGTHS = "logits", "cls", "relations", "lengths"
KEPT = (LOGITS, CLS, RELATIONS)  # what can be kept
FURTHER = "further"  # the unlabelled rows of a second token set
STATES = 3  # relations of queries, of keys and of values
HALF = 2  # bytes of a float16


@dataclass(frozen=True)
class Kept:
    """What is kept of a teacher's pass, and how large it is.

    Attributes:
        names: of KEPT, in that order.
        labels: of the teacher.
        layers: of the teacher.
        hidden: width of the teacher's hidden states.
        relation_layer: the layer of the relations, counted from 1; 0: none is kept.
        relation_heads: heads that its states are cut into; 0: none is kept.
    """

    names: tuple[str, ...]
    labels: int
    layers: int = 0
    hidden: int = 0
    relation_layer: int = 0
    relation_heads: int = 0

    def row_bytes(self, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Bytes of each row on disk; lengths: (rows,) tokens."""
        fixed = HALF * (self.labels + (self.layers * self.hidden if CLS in self.names else 0)) + np.int32().nbytes
        return fixed + HALF * relation_numbers(lengths, self.relation_heads)


def relation_numbers(lengths: npt.NDArray[np.int64], heads: int) -> npt.NDArray[np.int64]:
    """How many numbers the relations of each row are: (rows,); lengths: (rows,) tokens."""
    return STATES * heads * np.square(lengths.astype(np.int64))


def shard_path(folder: Path, part: str, index: int) -> Path:
    """Where a shard lies."""
    return folder / f"{part}-{index:05d}.safetensors"


def shard_paths(folder: Path, part: str) -> list[Path]:
    """Every shard of a part, in the order of its rows."""
    return sorted(folder.glob(f"{part}-*.safetensors"))


def read_parts(tokens: Path, unlabelled: Path | None = None) -> dict[str, TokenTable]:
    """Read the rows that a teacher answers, by part: train, unlabelled, further, validation.

    Args:
        tokens: folder of tokens/v1; a split `unlabelled` it need not have.
        unlabelled: folder of a further tokens/v1, whose `unlabelled` rows become the part FURTHER.

    Raises:
        ArtifactError: a split that must be there has no row.
    """
    parts = {TRAIN: read_split(tokens, TRAIN)}
    if has_split(tokens, UNLABELLED):
        parts[UNLABELLED] = read_split(tokens, UNLABELLED)
    if unlabelled:
        parts[FURTHER] = read_split(unlabelled, UNLABELLED)
    return {**parts, VALIDATION: read_split(tokens, VALIDATION)}
