"""Which lengths of text a package takes: one, any of several, or any within a range."""

from collections.abc import Sequence
from dataclasses import dataclass

from potstill.coreml.mlprogram.feature import Feature

SHORTEST = 3  # [CLS], one token, [SEP]: as tokenize asks


@dataclass(frozen=True)
class Lengths:
    """Lengths of a text in tokens, padding included.

    Attributes:
        values: one fixed length; several, rising; or the least and the greatest of a range.
        ranged: whether `values` are the ends of a range.
    """

    values: tuple[int, ...]
    ranged: bool = False

    @property
    def longest(self) -> int:
        """The greatest length."""
        return self.values[-1]

    @property
    def enumerated(self) -> bool:
        """Whether several lengths, and only these, are taken."""
        return len(self.values) > 1 and not self.ranged

    def fitting(self, tokens: int) -> int:
        """Return the least length that holds a text of so many tokens; the longest where none does."""
        if self.ranged:
            return min(max(tokens, self.values[0]), self.longest)
        return next((length for length in self.values if length >= tokens), self.longest)

    def __str__(self) -> str:
        return ("-" if self.ranged else ",").join(str(value) for value in self.values)


def read_lengths(text: str) -> Lengths | None:
    """Read `32`, `16,32,64` or `3-64`; None for an empty text.

    Raises:
        ValueError: no such thing, or a length below SHORTEST.
    """
    if not text.strip():
        return None
    ranged = "-" in text
    try:
        values = [int(part) for part in text.split("-" if ranged else ",")]
    except ValueError:
        raise ValueError(f"length must be like 32, or 16,32,64, or 3-64, got {text!r}") from None
    _require_rising(values, text, ranged)
    return Lengths(tuple(values), ranged)


def lengths_of(feature: Feature) -> Lengths:
    """Return the lengths that an input (1, tokens) of a package takes."""
    if feature.shapes:
        return Lengths(tuple(sorted(shape[-1] for shape in feature.shapes)))
    if feature.flexible and feature.ranges:
        low, high = feature.ranges[-1]
        return Lengths((low, feature.default[-1] if high is None else high), ranged=True)
    return Lengths((feature.default[-1],))


def _require_rising(values: Sequence[int], text: str, ranged: bool) -> None:
    if list(values) != sorted(set(values)) or (ranged and len(values) != 2):
        raise ValueError(f"lengths must rise, and a range has two ends, as 16,32,64 or 3-64, got {text!r}")
    if values[0] < SHORTEST:
        raise ValueError(f"length must be at least {SHORTEST}, room for [CLS], a token and [SEP], got {text!r}")
