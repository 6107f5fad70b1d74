"""Where a run's checkpoints may lie, and what is told of the works whose checkpoints lie there already."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from potstill.artifacts import UNSEALED, is_sealed
from potstill.errors import InputError, MissingError, OptionError
from potstill.progress import tell
from potstill.store.disk import DiskPlace
from potstill.store.places import Place
from potstill.training.resume.work import difference

WORK = "WORK.json"
MOST = 50  # works that are compared with this one


def refuse_artifact(place: Place, root: str, output: Path) -> None:
    """Refuse a folder inside an artifact, sealed, begun or to come: a file more would break it."""
    if not isinstance(place, DiskPlace):
        return
    folder = (place.folder / root).resolve()
    for each in folder.parents:
        if is_sealed(each) or (each / UNSEALED).exists() or each == output.resolve():
            raise OptionError(f"{place.uri} lies inside {each}, which is an artifact; pass a folder outside it")


def register(place: Place, root: str, work: Mapping[str, Any]) -> None:
    """Write what the work is made of, which also shows that the store can be written before anything is done."""
    try:
        works = [key for key in place.keys(str(work["stage"])) if key.endswith(f"/{WORK}")]
        if f"{root}/{WORK}" not in works:
            _tell_of_others(place, works, work)
            place.write(f"{root}/{WORK}", json.dumps(dict(work), indent=1, ensure_ascii=False).encode())
    except InputError as refused:
        raise InputError(f"checkpoint_uri: {refused}; pass another place, or leave it out") from refused


def _tell_of_others(place: Place, works: list[str], work: Mapping[str, Any]) -> None:
    """Say what is different about the work that is most like this one: a person may have meant to go on with it."""
    found = []
    for key in works[:MOST]:
        with suppress(ValueError, TypeError, AttributeError, RecursionError, MissingError):
            found.append((difference(work, json.loads(place.read(key))), key))
    if found:
        differences, key = min(found, key=lambda each: len(each[0]))
        tell(
            f"nothing is kept of this very work; {key} has {len(differences)} differences: {'; '.join(differences[:3])}"
        )
