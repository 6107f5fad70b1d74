"""Values that float16 cannot hold, found by executing a package in float32 on real rows.

A logit of a well-behaved model never comes near 65,504; a value inside a layer can: MobileBERT has no normalisation
that would keep it small. One infinity makes every later value NaN, and a phone says so to nobody.
"""

import math

from potstill.coreml_export.graphs.activations import LARGEST, Ranges

ROOM = 2.0  # other texts reach further than those that were tried


def overflowing(ranges: Ranges) -> frozenset[str]:
    """Name the values that leave float16, or come within a factor of ROOM of it."""
    return frozenset(name for name, (low, high) in ranges.items() if not max(abs(low), abs(high)) * ROOM <= LARGEST)


def finite(ranges: Ranges) -> bool:
    """Tell whether every value was a number."""
    return all(math.isfinite(low) and math.isfinite(high) for low, high in ranges.values())
