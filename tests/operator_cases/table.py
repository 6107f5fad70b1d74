"""All cases, in the order of the themes."""

from tests.operator_cases import (
    activations,
    arithmetic,
    blocks,
    control,
    convolving,
    indexing,
    making,
    normalising,
    palettes,
    products,
    quantizing,
    reducing,
    shaping,
    slicing,
)

THEMES = (
    activations,
    arithmetic,
    shaping,
    slicing,
    indexing,
    making,
    reducing,
    products,
    normalising,
    convolving,
    blocks,
    palettes,
    quantizing,
    control,
)
CASES = [case for theme in THEMES for case in theme.CASES]
