"""Whose label numbers are used: the table's own, sorted by name, or those of a classifier that is to be judged."""

import json
from pathlib import Path

from potstill.errors import InputError


def labels_of(start: Path, found: list[str]) -> list[str]:
    """Return the label names of a fine-tuned classifier, in the order of its outputs.

    Args:
        start: its folder.
        found: the label names of the table.

    Raises:
        InputError: the folder holds no classifier, or the table has labels that the classifier does not know.
    """
    config = json.loads((start / "config.json").read_text()) if (start / "config.json").is_file() else {}
    names = [name for _, name in sorted((int(place), name) for place, name in config.get("id2label", {}).items())]
    if not any("Classification" in kind for kind in config.get("architectures") or []):
        raise InputError(f"{start} is no fine-tuned classifier, so it has no labels; pass --labels-of-start False")
    unknown = sorted(set(found) - set(names))
    if unknown:
        raise InputError(
            f"the table has labels that {start} does not know: {', '.join(unknown[:5])}; "
            f"it knows {', '.join(names[:20])}"
        )
    return names
