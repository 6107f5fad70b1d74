"""Which models a budget judges."""

from collections.abc import Mapping
from typing import Any

from potstill.validate.candidates import FOR_PHONES, is_export


def judged(figures: Mapping[str, Any]) -> list[str]:
    """Every compressed export that is given, or the model itself where there is none."""
    models = figures["models"]
    return [name for name in FOR_PHONES if name in models] or [own(figures)]


def exports(figures: Mapping[str, Any]) -> list[str]:
    """Every exported file, of any precision; the model itself where there is none."""
    return [name for name in figures["models"] if is_export(name)] or [own(figures)]


def own(figures: Mapping[str, Any]) -> str:
    """The model as PyTorch has it: quantised, or as it is."""
    return "qat" if "qat" in figures["models"] else "model"
