"""How much a loss counts, and when: a weight with a schedule, written as `1`, `0.5@rise` or `1@first:0.6`."""

from dataclasses import dataclass

CONSTANT, RISE, FALL, FIRST, LAST = "constant", "rise", "fall", "first", "last"
GRAMMAR = "WEIGHT, WEIGHT@rise, WEIGHT@fall, WEIGHT@first:SHARE or WEIGHT@last:SHARE"


@dataclass(frozen=True)
class Weight:
    """A loss's weight over the course of a training.

    Attributes:
        value: the weight, at least 0.
        schedule: constant; rise or fall, linearly from or to 0; first or last, in a part of the steps alone.
        share: of the steps, in (0, 1]: the part that first and last mean.
    """

    value: float
    schedule: str = CONSTANT
    share: float = 1.0

    def at(self, progress: float) -> float:
        """Return the weight when `progress` of all steps are done, in [0, 1)."""
        if self.schedule == RISE:
            return self.value * progress
        if self.schedule == FALL:
            return self.value * (1 - progress)
        off = {FIRST: progress >= self.share, LAST: progress < 1 - self.share}
        return 0.0 if off.get(self.schedule, False) else self.value

    def __str__(self) -> str:
        """Write it as `parse_weight` reads it."""
        if self.schedule == CONSTANT:
            return f"{self.value:g}"
        return f"{self.value:g}@{self.schedule}" + (f":{self.share:g}" if self.schedule in (FIRST, LAST) else "")


def parse_weight(text: str) -> Weight:
    """Read a weight.

    Args:
        text: as GRAMMAR says: `0.5@last:0.4` is 0.5 in the last 40 % of the steps and 0 before.

    Raises:
        ValueError: anything else, or a weight or share out of range.
    """
    number, _, schedule = text.partition("@")
    name, _, share = schedule.partition(":")
    try:
        weight = Weight(float(number), name or CONSTANT, float(share) if share else 1.0)
    except ValueError:
        weight = Weight(-1)
    known = (CONSTANT, RISE, FALL) if not share else (FIRST, LAST)
    if not (0 <= weight.value < float("inf") and 0 < weight.share <= 1 and weight.schedule in known):
        raise ValueError(f"a loss's weight must be {GRAMMAR}, got {text!r}")
    return weight
