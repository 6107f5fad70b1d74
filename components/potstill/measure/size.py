"""Size on disk: the bytes that an app has to carry."""

from pathlib import Path

MEGABYTE = 1_000_000  # decimal, as app stores and disk makers count


def size_on_disk(path: Path) -> int:
    """Bytes of a file with its external data (ONNX: `<name>.data` beside it), or of all files below a folder."""
    external = path.with_name(f"{path.name}.data")
    files = [path, external] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
