"""How much it is, for a person: in the largest unit that shows at least one of it."""

UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def in_units(size: int) -> str:
    """Say a number of bytes, such as 12.3 MB or 512 bytes."""
    for name, one in UNITS:
        if size >= one:
            return f"{size / one:.1f} {name}"
    return f"{size} bytes"
