"""Budgets: what is asked of a release, what was measured, and the verdict."""

from potstill.validate.budgets.judging import judge_budgets
from potstill.validate.budgets.limits import Budgets
from potstill.validate.budgets.reading import read_budgets
from potstill.validate.budgets.verdict import failures_of, verdict_of, write_verdict

__all__ = ["Budgets", "failures_of", "judge_budgets", "read_budgets", "verdict_of", "write_verdict"]
