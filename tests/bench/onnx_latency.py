"""How long each candidate takes, in turns: so a slow minute slows all of them."""

import statistics
from collections.abc import Callable, Mapping

from tests.bench.pruning_latency import WARM_UP, Latency, turn


def in_turns(calls: Mapping[str, Callable[[], object]], first: str, turns: int) -> dict[str, Latency]:
    """Time calls turn by turn.

    Args:
        calls: by name.
        first: whose time the others are compared with, turn by turn.
        turns: that count, after WARM_UP that do not.

    Returns: by name, medians over the turns; `ratio` is how many times as fast as the first it is.
    """
    rounds = [{name: turn(call) for name, call in calls.items()} for _ in range(WARM_UP + turns)][WARM_UP:]
    return {
        name: Latency(
            statistics.median(each[name] for each in rounds),
            statistics.median(each[first] / each[name] for each in rounds),
        )
        for name in calls
    }
