"""What a stage returns: its figures by name."""

from collections.abc import Mapping

Measures = Mapping[str, float]
