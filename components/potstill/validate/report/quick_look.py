"""Whether the whole test split was judged; a verdict on a part of it releases nothing."""

from collections.abc import Mapping
from typing import Any


def whole_rows(figures: Mapping[str, Any]) -> int:
    """Rows of the test split, judged or not."""
    return int(figures.get("whole_rows") or figures["rows"])


def quick_look(figures: Mapping[str, Any]) -> str:
    """Say that only some of the test rows were judged; empty where all were."""
    if figures["rows"] >= whole_rows(figures):
        return ""
    return f"A quick look at {figures['rows']:,} of {whole_rows(figures):,} test rows: no release verdict."
