"""latency-table: measure once what heads and FFN neurons cost here, so that pruning can aim at milliseconds."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.latency_table.config import LatencyTableConfig
    from potstill.latency_table.stage import measure_latencies

__all__ = ["LatencyTableConfig", "measure_latencies"]

WHERE = {"LatencyTableConfig": "config", "measure_latencies": "stage"}


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"potstill.latency_table.{WHERE[name]}"), name)
