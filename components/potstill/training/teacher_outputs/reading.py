"""Reading teacher outputs: logits whole, everything else by the rows that a batch needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from torch import Tensor

from potstill.artifacts import TEACHER_OUTPUTS, Artifact, expect
from potstill.errors import ArtifactError
from potstill.training.teacher_outputs.layout import (
    CLS,
    LENGTHS,
    LOGITS,
    RELATIONS,
    STATES,
    relation_numbers,
    shard_paths,
)

Rows = Tensor | npt.NDArray[np.int64]


class OutputsView:
    """The outputs of some parts, one after the other. The shards are mapped into memory, not read.

    Attributes:
        logits: (rows, labels) float32, all rows.
        lengths: (rows,) int64, tokens of each row.
    """

    logits: Tensor
    lengths: npt.NDArray[np.int64]

    def __init__(self, files: Sequence[Path], relation_heads: int = 0) -> None:
        """Open the shards; relation_heads: of the kept relations, 0 when none are kept."""
        self._heads = relation_heads
        self._shards: list[Any] = [safe_open(file, framework="numpy") for file in files]
        lengths = [shard.get_tensor(LENGTHS).astype(np.int64) for shard in self._shards]
        self._firsts = np.cumsum([0, *(len(each) for each in lengths)])
        self._ends = np.concatenate([np.cumsum(relation_numbers(each, relation_heads)) for each in lengths])
        self.lengths = np.concatenate(lengths)
        self.logits = torch.from_numpy(
            np.concatenate([shard.get_tensor(LOGITS) for shard in self._shards]).astype(np.float32)
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def cls(self, rows: Rows) -> Tensor:
        """The first token's state after each layer.

        Args:
            rows: (rows,) int64 on the CPU, in any order.

        Returns: (rows, layers, hidden) float32.
        """
        found = [shard.get_slice(CLS)[at : at + 1] for _, shard, at in self._places(rows)]
        return torch.from_numpy(np.concatenate(found).astype(np.float32))

    def relations(self, rows: Rows, width: int) -> Tensor:
        """The relations of queries, of keys and of values: probabilities over the keys, padded with zeros.

        Args:
            rows: (rows,) int64 on the CPU, in any order.
            width: tokens of the padded batch, at least the longest row's.

        Returns: (rows, 3, heads, width, width) float32.
        """
        padded = np.zeros((len(rows), STATES, self._heads, width, width), np.float32)
        for into, (row, shard, _) in zip(padded, self._places(rows), strict=True):
            length, end = self.lengths[row], self._ends[row]
            begin = end - relation_numbers(length, self._heads)
            values = shard.get_slice(RELATIONS)[int(begin) : int(end)]
            into[..., :length, :length] = values.reshape(STATES, self._heads, length, length)
        return torch.from_numpy(padded)

    def _places(self, rows: Rows) -> list[tuple[int, Any, int]]:
        """Each row, its shard, and where it stands in it."""
        wanted = np.asarray(rows, dtype=np.int64)
        shards = np.searchsorted(self._firsts, wanted, side="right") - 1
        places = zip(wanted, shards, wanted - self._firsts[shards], strict=True)
        return [(int(row), self._shards[shard], int(at)) for row, shard, at in places]


class TeacherOutputs:
    """A whole teacher-outputs/v1.

    Attributes:
        artifact: the folder and its manifest.
        labels: label names, in the order of the logits.
        parts: rows of each part.
    """

    def __init__(self, artifact: Artifact) -> None:
        """Read what the manifest tells; no shard is opened."""
        self.artifact = artifact
        self.labels: list[str] = list(artifact.meaning["labels"])
        self.parts: Mapping[str, int] = artifact.meaning["parts"]

    def keeps(self, name: str) -> bool:
        """Tell whether `logits`, `cls` or `relations` are kept."""
        return name in self.artifact.meaning["keep"]

    @property
    def relation_heads(self) -> int:
        """Heads of the kept relations; 0 when none are kept."""
        return int(self.artifact.meaning["relation_heads"])

    def over(self, parts: Sequence[str]) -> OutputsView:
        """View some parts as one table of rows, in the order given.

        Raises:
            ArtifactError: a part that is not there.
        """
        absent = [part for part in parts if part not in self.parts]
        if absent:
            raise ArtifactError(
                f"{self.artifact.path} has no rows of {', '.join(absent)}; parts are: {', '.join(self.parts)}"
            )
        return view_parts(self.artifact.path, parts, self.relation_heads)


def open_outputs(outputs: Path | Artifact) -> TeacherOutputs:
    """Open teacher outputs.

    Args:
        outputs: the folder, whose bytes are then proved; or the artifact that `expect` gave.

    Raises:
        ArtifactError: not sealed, of another kind, or with files missing, changed or added.
    """
    return TeacherOutputs(expect(outputs, TEACHER_OUTPUTS) if isinstance(outputs, Path) else outputs)


def view_parts(folder: Path, parts: Sequence[str], relation_heads: int = 0) -> OutputsView:
    """View parts that lie in a folder, sealed or not."""
    return OutputsView([file for part in parts for file in shard_paths(folder, part)], relation_heads)
