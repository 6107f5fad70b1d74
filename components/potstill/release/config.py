"""The options of release: what it is called, which formats it carries, and why, where the verdict is no pass."""

from collections.abc import Callable
from typing import Any

from pydantic import field_validator

from potstill.errors import InputError, OptionError
from potstill.evidence.index import check_name, check_reason, check_version
from potstill.evidence.layout import FORMATS
from potstill.options import options


@options
class ReleaseConfig:
    """What the release is called, and what it carries."""

    release_name: str = ""
    """Name of the release, such as headlines: small letters, digits, dots, dashes and underscores."""
    version: str = ""
    """Semantic version, such as 1.2.0 or 1.2.0-rc.1."""
    override: str = ""
    """Why a model is released that did not pass, in a line; it is recorded, and stands first on the card. A passed
    model takes none."""
    formats: str = ""
    """Formats to ship, comma-separated, of onnx, coreml, pytorch. Empty: each that is given."""

    @field_validator("release_name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        return _checked(check_name, value, "release_name") if value else value

    @field_validator("version")
    @classmethod
    def _is_version(cls, value: str) -> str:
        return _checked(check_version, value, "version") if value else value

    @field_validator("override")
    @classmethod
    def _is_reason(cls, value: str) -> str:
        return _checked(check_reason, value, "override") if value else value

    @field_validator("formats")
    @classmethod
    def _are_formats(cls, value: str) -> str:
        asked = [each.strip() for each in value.split(",")] if value else []
        unknown = [each for each in asked if each not in FORMATS]
        if unknown or len(set(asked)) < len(asked):
            raise ValueError(f"formats must be of {', '.join(FORMATS)}, each once, comma-separated, got {value!r}")
        return value

    def require_names(self) -> None:
        """Refuse a release without a name or a version.

        Raises:
            OptionError: one of them is empty.
        """
        empty = [name for name in ("release_name", "version") if not getattr(self, name)]
        if empty:
            raise OptionError(f"{' and '.join(empty)} must not be empty; pass --release-name headlines --version 1.0.0")

    def asked(self) -> list[str]:
        """The formats by name; empty: each that is given."""
        return [each.strip() for each in self.formats.split(",")] if self.formats else []


def _checked(check: Callable[[Any, str], str], value: str, name: str) -> str:
    try:
        return check(value, name)
    except InputError as refused:
        raise ValueError(str(refused)) from None
