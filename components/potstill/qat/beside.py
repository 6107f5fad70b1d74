"""Records that lie beside a quantised checkpoint: canonical JSON, and strict when it is read back."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

from potstill.errors import ArtifactError

R = TypeVar("R")
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


def write_record(file: Path, record: Any) -> None:
    """Write a frozen dataclass; the same record gives the same bytes."""
    text = json.dumps(asdict(record), ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")


def read_record(file: Path, kind: type[R], what: str) -> R | None:
    """Read what `write_record` wrote; None where there is no such file.

    Args:
        file: where it lies.
        kind: the dataclass, strict by its `__pydantic_config__`.
        what: the record in a few words, for the error.

    Raises:
        ArtifactError: the file holds something else.
    """
    if not file.is_file():
        return None
    try:
        return TypeAdapter(kind).validate_python(json.loads(file.read_bytes()))
    except ValueError as broken:
        raise ArtifactError(f"{file} is not {what}; make it again by qat") from broken
