"""Which word pieces stay, given how often each was seen."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from potstill.errors import InputError
from potstill.vocabulary.pieces import Marks, Pieces
from potstill.vocabulary.rule import Rule

Counts = npt.NDArray[np.int64]


def kept_ids(pieces: Pieces, counts: Counts, rule: Rule, source: Path) -> list[int]:
    """List the ids that stay, in rising order.

    Special tokens, digits and single Latin letters stay in any case. Of the others, a pair `x`, `##x` is one, seen as
    often as both. By coverage, Chinese characters and all the rest are chosen apart: headlines full of common
    characters must not cost the rarer words, nor numbers the rarer characters.

    Args:
        pieces: the vocabulary.
        counts: (vocabulary,) how often each id was seen.
        rule: by count or by coverage.
        source: folder of the tokenizer, for the message.

    Raises:
        InputError: nothing was seen, or not so often.
    """
    together = pieces.together(np.where(pieces.special, 0, counts))
    always = pieces.units(pieces.special | pieces.spelling)
    if rule.min_count:
        chosen = together >= rule.min_count
        _refuse_rare(together, rule.min_count)
    else:
        chosen = _covering(pieces, together, always, rule.coverage)
        _refuse_nothing(together, source)
    kept = (always | chosen)[pieces.unit]
    return [int(each) for each in np.flatnonzero(kept)]


def coverage_of(pieces: Pieces, counts: Counts, kept: list[int]) -> float:
    """Return the share of all pieces seen that the kept ones are, special tokens and [UNK] apart, in [0, 1]."""
    seen = np.where(pieces.special, 0, counts)
    return float(seen[kept].sum() / max(int(seen.sum()), 1))


def _covering(pieces: Pieces, together: Counts, always: Marks, coverage: float) -> Marks:
    """Mark the commonest units that, with those that stay always, cover so much of their own kind."""
    chosen = np.zeros_like(always)
    chinese = pieces.units(pieces.chinese)
    for kind in (chinese, ~chinese):
        wanted = coverage * together[kind].sum() - together[kind & always].sum()
        rest = np.flatnonzero(kind & ~always & (together > 0))
        commonest = rest[np.argsort(-together[rest], kind="stable")]  # of equals, the smaller id
        covered = np.cumsum(together[commonest])
        enough = int(np.searchsorted(covered, wanted)) + 1 if wanted > 0 else 0
        chosen[commonest[:enough]] = True
    return chosen


def _refuse_rare(together: Counts, min_count: int) -> None:
    most = int(together.max(initial=0))
    if most < min_count:
        raise InputError(
            f"no piece is seen {min_count} times outside the test split, the commonest {most} times; "
            f"pass at most --vocabulary-min-count {most}; 0 keeps the whole vocabulary"
        )


def _refuse_nothing(together: Counts, source: Path) -> None:
    if not together.any():
        raise InputError(
            f"no text outside the test split has a piece that the tokenizer of {source} knows; "
            "pass --vocabulary-coverage 0 to keep the whole vocabulary"
        )
