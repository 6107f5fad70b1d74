"""How figures are written in a comparison: in the unit of their title, differences with a true sign."""

from potstill.validate.compare.figures import DISTURBED
from potstill.validate.report.numbers import NONE, milliseconds

SHARES = ("macro_f1", "unk_rate")
MEGA = 1e6


def figure_text(name: str, value: float) -> str:
    """Write a figure, or a difference of two, by the name of the figure."""
    if name in SHARES or name.startswith(DISTURBED):
        text = f"{100 * value:.2f}"
    elif name == "bytes":
        text = f"{value / MEGA:.3f}"
    elif name.endswith("_ms"):
        text = milliseconds(value)
    else:
        text = f"{value:,.0f}" if name == "parameters" else f"{value:.{1 if name.endswith('_mb') else 4}f}"
    return text.replace("-", "−")


def signed(text: str) -> str:
    """Put a plus before what is more than nothing; what is nothing in these digits has no sign."""
    if not any(digit in text for digit in "123456789"):
        return text.removeprefix("−")
    return text if text.startswith("−") else f"+{text}"


def changed_by(before: float, after: float) -> str:
    """Write a change in per cent of what was."""
    return signed(f"{100 * (after / before - 1):.0f}".replace("-", "−")) if before else NONE
