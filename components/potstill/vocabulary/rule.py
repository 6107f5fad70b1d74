"""By which rule word pieces stay, and how much more [UNK] that may cost."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from potstill.options import options

MinCount = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


@options
class Rule:
    """Which word pieces stay: those seen so often, or the commonest that cover so much of the texts."""

    min_count: MinCount = 0
    """A piece stays when it is seen at least so often. 0: not chosen by count."""
    coverage: Share = 0.0
    """The commonest pieces stay, until they are this share of all that were seen. 0: not chosen by coverage."""
    max_unknown_rise: Share = 0.005
    """By how much the share of [UNK] may rise, of all pieces of all texts; 1: by any."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        refuse_two_rules(self.min_count, self.coverage)
        return self

    @property
    def cuts(self) -> bool:
        """Tell whether anything is to be cut."""
        return bool(self.min_count or self.coverage)


def refuse_two_rules(min_count: int, coverage: float) -> None:
    """Refuse options that choose the pieces in two ways at once.

    Raises:
        ValueError: both are set.
    """
    if min_count and coverage:
        raise ValueError(
            f"vocabulary_min_count and vocabulary_coverage both choose the word pieces, got {min_count} and "
            f"{coverage}; leave one of them at 0"
        )
