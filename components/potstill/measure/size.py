"""Size on disk: the bytes that an app has to carry."""

from pathlib import Path

MEGABYTE = 1_000_000  # decimal, as app stores and disk makers count


def size_on_disk(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(file.stat().st_size for file in files)
