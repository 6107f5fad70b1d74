"""In what two files differ, as far as their form is known: JSON, safetensors, Core ML packages, text."""

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from potstill.errors import PotstillError
from potstill.lineage.shown import cut, shown

SHOWN = 60  # columns of a value
LARGEST = 32_000_000  # bytes of a file that is looked into as text
ABSENT = "nothing"
PACKAGE = ".mlpackage"


def inside(wanted: Path, made: Path) -> Iterator[str]:
    """Yield in what two files differ; nothing where their form is not known, or is broken."""
    try:
        if wanted.suffix == ".mlmodel":
            yield from _packages(wanted, made)
        elif wanted.suffix == ".json":
            yield from fields(*(json.loads(each.read_bytes()) for each in (wanted, made)))
        elif wanted.suffix == ".safetensors":
            yield from _tensors(wanted, made)
        elif max(wanted.stat().st_size, made.stat().st_size) <= LARGEST:
            yield from _lines(wanted, made)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        struct.error,
    ):  # not of that form after all
        return


def _lines(wanted: Path, made: Path) -> Iterator[str]:
    """The first line that differs, of files that are text."""
    want, have = (each.read_text(encoding="utf-8").splitlines() for each in (wanted, made))
    for place in range(max(len(want), len(have))):
        lines = [each[place] if place < len(each) else _Absent for each in (want, have)]
        if lines[0] != lines[1]:
            yield f"line {place + 1}: {_value(lines[0])} wanted, {_value(lines[1])} made"
            return


def _tensors(wanted: Path, made: Path) -> Iterator[str]:
    """Each tensor that differs, by its name."""
    want, have = (dict(_tensors_of(each)) for each in (wanted, made))
    yield from fields({name: each[0] for name, each in want.items()}, {name: each[0] for name, each in have.items()})
    for name in sorted(want.keys() & have.keys()):
        if want[name][0] == have[name][0] and want[name][1] != have[name][1]:
            yield f"tensor {shown(name)}: other values"


def _tensors_of(path: Path) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """Name, what it is, and bytes of each tensor.

    Source: the format of safetensors, a header of JSON before the data.
    """
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    for name, each in header.items():
        if name != "__metadata__":
            begin, end = each["data_offsets"]
            yield name, (f"{each['dtype']} {each['shape']}", data[8 + length + begin : 8 + length + end])


def _packages(wanted: Path, made: Path) -> Iterator[str]:
    """What potstill coreml diff tells of the packages that two specifications belong to."""
    from potstill.coreml.commands import diff  # noqa: PLC0415 - its libraries take seconds

    try:
        told = diff(_package_of(wanted), _package_of(made), rows=1)
        yield from (line for text in told.lines for line in text.splitlines()[1:] if line.strip())
    except PotstillError as refused:
        yield f"the packages cannot be compared: {shown(refused)}"


def _package_of(path: Path) -> Path:
    return next((each for each in path.parents if each.suffix == PACKAGE), path)


def fields(wanted: Any, made: Any, name: str = "") -> Iterator[str]:
    """Yield a line for each field that differs, at any depth."""
    if isinstance(wanted, Mapping) and isinstance(made, Mapping):
        for key in sorted(wanted.keys() | made.keys()):
            within = f"{name}.{key}" if name else str(key)
            yield from fields(wanted.get(key, _Absent), made.get(key, _Absent), within)
    elif isinstance(wanted, list) and isinstance(made, list) and len(wanted) == len(made):
        for place, (want, have) in enumerate(zip(wanted, made, strict=True)):
            yield from fields(want, have, f"{name}[{place}]")
    elif wanted != made:
        yield f"{shown(name)}: {_value(wanted)} wanted, {_value(made)} made"


class _Absent:
    """Stands for a field that is not there."""


def _value(value: Any) -> str:
    return ABSENT if value is _Absent else cut(shown(json.dumps(value, ensure_ascii=False)), SHOWN)
