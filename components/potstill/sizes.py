"""How much it is, for a person: in MB as far as one digit shows it, and in smaller units below."""

UNITS = (("MB", 10**6), ("kB", 10**3))


def in_units(size: int) -> str:
    """Say a number of bytes, such as 12.3 MB, 53.2 kB or 64 bytes."""
    for name, one in UNITS:
        if size >= one / 10:
            return f"{size / one:.1f} {name}"
    return f"{size} bytes"
