"""Learned projections from a student's width to its teacher's."""

from torch import nn


def project(width: int, target: int) -> nn.Linear:
    """Make a linear map without bias from `width` to `target` features; where both are equal it begins as identity.

    A layer copied from the teacher so begins by matching it exactly.
    """
    linear = nn.Linear(width, target, bias=False)
    if width == target:
        nn.init.eye_(linear.weight)
    return linear
