"""Two releases side by side: what moved, and what of it is more than luck."""

from potstill.validate.compare.command import compare_reports
from potstill.validate.compare.comparison import Comparison, compare
from potstill.validate.compare.reading import Report, read_report

__all__ = ["Comparison", "Report", "compare", "compare_reports", "read_report"]
