"""Is a model no worse than another by more than a margin? Exact bounds of what is lost, and verdicts by them."""

from potstill.measure.non_inferiority.bound import loss_at_least, loss_at_most, non_inferiority_p
from potstill.measure.non_inferiority.holm import holm_adjusted, holm_levels
from potstill.measure.non_inferiority.mcnemar import mcnemar_p
from potstill.measure.non_inferiority.rows_wanted import rows_to_decide
from potstill.measure.non_inferiority.verdict import LossVerdict, judge_classes, judge_loss

__all__ = [
    "LossVerdict",
    "holm_adjusted",
    "holm_levels",
    "judge_classes",
    "judge_loss",
    "loss_at_least",
    "loss_at_most",
    "mcnemar_p",
    "non_inferiority_p",
    "rows_to_decide",
]
