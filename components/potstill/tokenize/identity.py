"""When two texts are the same, and where a text stands: both follow from its characters alone.

A text's identity is its normal form (NFKC, case folded, white space collapsed), and its position in [0, 1) is a hash of
that. So a split by position depends neither on the order of rows or files nor on what else is in the table, and two
copies of one text can never stand on two sides of a split.
"""

import math
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

ROW_ID_BYTES = 16
POSITION_BYTES = 8
POSITIONS = 1 << (8 * POSITION_BYTES)


def normal_form(text: str) -> str:
    """Return what makes a text the same as another; empty for a text of white space only."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def row_id(normal: str) -> bytes:
    """Name a text: 128-bit BLAKE2b of its normal form."""
    return blake2b(normal.encode(), digest_size=ROW_ID_BYTES).digest()


def position(normal: str, seed: int) -> int:
    """Place a text in [0, 2^64), uniformly, by the BLAKE2b hash of seed and normal form."""
    return int.from_bytes(blake2b(f"{seed}|{normal}".encode(), digest_size=POSITION_BYTES).digest(), "big")


def positions(normals: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    """Return (rows,) uint64: the position of each text."""
    return np.fromiter((position(normal, seed) for normal in normals), np.uint64, len(normals))


def threshold(share: float) -> int:
    """Return the first position that is not below `share` of all positions; share in [0, 1)."""
    return math.ceil(share * POSITIONS)
