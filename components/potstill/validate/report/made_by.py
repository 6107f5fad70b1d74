"""Who made the report, as its sealed manifest tells it: enough to make it again."""

from collections.abc import Mapping
from typing import Any

NO_DATE = "None is kept, so that the same inputs give the same report."


def made_by(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of the making, each with its name; empty where the manifest was not given."""
    made = figures.get("made_by") or {}
    if not made:
        return []
    processor, libraries = made.get("processor") or {}, made.get("libraries") or {}
    known = {
        "potstill": made.get("potstill"),
        "Stage": made.get("stage"),
        "Source, digest": made.get("source"),
        "Revision": made.get("revision"),
        "Processor": processor.get("isa"),
        "Threads": processor.get("threads"),
        "Libraries": ", ".join(f"{name} {version}" for name, version in sorted(libraries.items())),
        "Options": ", ".join(f"{name}={_option(value)}" for name, value in sorted((made.get("config") or {}).items())),
        "Sealed report, digest": figures["report"],
        "Date": NO_DATE,
    }
    return [(name, str(value)) for name, value in known.items() if value]


def _option(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"
