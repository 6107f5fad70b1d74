"""distill: train a small student to answer as the teacher does, on labelled and unlabelled text."""

from potstill.distill.stage import DistillConfig, distill_student

__all__ = ["DistillConfig", "distill_student"]
