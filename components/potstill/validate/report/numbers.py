"""How figures are written for people: one form for each kind, and a dash where there is none."""

NONE = "—"
FILTERS = ("percent", "points", "megabytes", "number", "count", "p_value", "milliseconds")


def percent(share: float | None, digits: int = 2) -> str:
    """0.8503 → `85.03`; the unit stands in the head of the column."""
    return number(None if share is None else 100 * share, digits)


def points(share: float | None, digits: int = 2) -> str:
    """A difference of shares in points, with its sign: 0.0052 → `+0.52`, and `0.00` without one."""
    if share is None:
        return NONE
    text = f"{100 * share:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def megabytes(size: float | None, digits: int = 2) -> str:
    """Bytes → `6.15`, in millions."""
    return number(None if size is None else size / 1e6, digits)


def milliseconds(value: float | None) -> str:
    """Three digits or so, whatever the magnitude: `0.58`, `12.9`, `128`."""
    if value is None:
        return NONE
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def number(value: float | None, digits: int = 4) -> str:
    """A plain figure."""
    return NONE if value is None else f"{value:.{digits}f}".replace("-", "−")


def count(value: float | None) -> str:
    """A whole number with separators; 0 is none."""
    return f"{value:,.0f}" if value else NONE


def p_value(value: float | None) -> str:
    """`0.031`, and `< 0.001` for what is smaller."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
