"""The report for people: one HTML file that needs nothing else, and a shorter one in Markdown."""

from potstill.validate.report.markdown import MARK, write_markdown
from potstill.validate.report.page import TITLE, write_page

__all__ = ["MARK", "TITLE", "write_markdown", "write_page"]
