"""Proof that a file computes what its source computes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from potstill.errors import ParityError
from potstill.measure.decisions import decide, equal_rows

WORST = 3  # rows named in an error

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """How far a file is from PyTorch, on the same rows.

    Attributes:
        max_abs_logit: greatest difference of any logit, or of any element of a token's vector.
        agreement: share of rows with the same predicted label, or exactly the same labels, in [0, 1]; of scores the
            share of pairs of rows in the same order; of vectors the mean cosine of the rows' mean vectors.
        rows: how many rows were compared.
        worst: ids of the rows that differ most, worst first.
    """

    max_abs_logit: float
    agreement: float
    rows: int
    worst: tuple[str, ...]


def compare(found: Logits, wanted: Logits, row_ids: Sequence[str], *, multi_label: bool = False) -> Parity:
    """Compare the logits of a file with those of its source.

    Args:
        found: (rows, labels) of the file.
        wanted: (rows, labels) of its source.
        row_ids: (rows,) names of the rows.
        multi_label: whether each label is a yes or no of its own.
    """
    same = equal_rows(*(decide(each, multi_label=multi_label) for each in (found, wanted)))
    return _parity(np.abs(found - wanted).max(1), float(same.mean()), row_ids)


def compare_scores(found: Logits, wanted: Logits, row_ids: Sequence[str]) -> Parity:
    """Compare the scores of a file, (rows, 1), with those of its source: what counts is which row scores higher."""
    before, after = (np.triu(np.sign(each - each.T), 1) for each in (wanted, found))
    pairs = len(found) * (len(found) - 1) / 2
    apart = float((before != after).sum())
    return _parity(np.abs(found - wanted).max(1), 1 - apart / pairs if pairs else 1.0, row_ids)


def compare_vectors(found: Sequence[Logits], wanted: Sequence[Logits], row_ids: Sequence[str]) -> Parity:
    """Compare the vectors of a file with those of its source.

    Args:
        found: of each row (tokens, hidden), without padding.
        wanted: likewise.
        row_ids: (rows,) names of the rows.
    """
    difference = np.array([np.abs(one - other).max() for one, other in zip(found, wanted, strict=True)])
    means = (np.stack([each.mean(0) for each in vectors]) for vectors in (found, wanted))
    one, other = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in means)
    return _parity(difference, float((one * other).sum(1).mean()), row_ids)


def _parity(difference: npt.NDArray[np.float32], agreement: float, row_ids: Sequence[str]) -> Parity:
    difference = np.where(np.isfinite(difference), difference, np.inf)  # a NaN is as far off as can be
    order = np.argsort(-difference, kind="stable")[:WORST]
    return Parity(
        max_abs_logit=float(difference.max()),
        agreement=agreement,
        rows=len(difference),
        worst=tuple(row_ids[index] for index in order),
    )


def require_close(files: Mapping[str, Parity], tolerance: float) -> list[str]:
    """Name the files whose outputs are further off than `tolerance`."""
    return [
        f"{name}: an output is off by {each.max_abs_logit:.3g}, allowed is {tolerance:g} (worst rows {_rows(each)})"
        for name, each in files.items()
        if not each.max_abs_logit <= tolerance
    ]


def require_agreement(files: Mapping[str, Parity], minimum: float) -> list[str]:
    """Name the files that answer otherwise too often, or with what is no number."""
    return [
        f"{name}: {_disagreement(each, minimum)} (worst rows {_rows(each)})"
        for name, each in files.items()
        if not each.agreement >= minimum or not np.isfinite(each.max_abs_logit)
    ]


def _disagreement(parity: Parity, minimum: float) -> str:
    if not np.isfinite(parity.max_abs_logit):
        return "an output is NaN or infinite"
    return f"the agreement is {parity.agreement:.4f}, wanted is {minimum:g}"


def refuse(offences: Sequence[str], way_out: str) -> None:
    """Raise a ParityError that lists every offence, if there is one."""
    if offences:
        raise ParityError(f"{'; '.join(offences)}. {way_out}")


def _rows(parity: Parity) -> str:
    return ", ".join(parity.worst)
