"""How deep a colour each agreement is shown in: over the trained models' range, so that 99.4 and 100.0 differ."""

from collections.abc import Mapping
from math import sqrt
from typing import Any

RIVALS = {"majority", "tfidf", "control"}
DEEPEST = 0.5  # opacity: text must still stand out


def least_agreement(found: Mapping[str, Any]) -> float:
    """The least share of two trained models; of all, where fewer than two were trained."""
    places = [place for place, name in enumerate(found["names"]) if name not in RIVALS]
    trained = [found["matrix"][one][other] for one in places for other in places if one != other]
    return float(min(trained or [share for shares in found["matrix"] for share in shares]))


def depth(share: float, least: float) -> float:
    """Return the opacity of a colour, 0 where all labels agree; a root, for the differences near 100 % matter."""
    if share >= 1:
        return 0.0
    return DEEPEST * sqrt(min(1.0, (1 - share) / (1 - least))) if least < 1 else DEEPEST
