"""Training that can be killed at any moment: its state is kept at a URI, and taken up again from there."""

from potstill.training.resume.checkpoints import Checkpoints, kept_at
from potstill.training.resume.phase import Phase
from potstill.training.resume.work import describe

__all__ = ["Checkpoints", "Phase", "describe", "kept_at"]
