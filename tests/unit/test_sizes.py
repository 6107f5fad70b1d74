"""How much it is, for a person."""

import pytest

from potstill.sizes import in_units


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (0, "0 bytes"),
        (99, "99 bytes"),
        (100, "0.1 kB"),
        (53_248, "53.2 kB"),
        (167_340_000, "167.3 MB"),
        (300_400, "0.3 MB"),
    ],
)
def test_small_and_large_are_told_in_their_own_units(size, told):
    assert in_units(size) == told
