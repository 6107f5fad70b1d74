"""What a finished run made, as the parameters of a pipeline that begins with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.definition import JUDGING, parameters_of
from pipelines.parameters import SOURCES, Values
from potstill.artifacts import is_sealed
from potstill.errors import InputError, OptionError

LINKS = {"model": "quantized"}  # parameter: the name of the run's link, where it is another
URI = "_uri"


def artifacts_of(run: Path, types: Mapping[str, Any]) -> Values:
    """Take every artifact that a pipeline begins with from the folder of a run.

    Args:
        run: the folder, as `pipelines.compress --out` names it.
        types: the pipeline's inputs.

    Returns: parameters and sources by name; with what the run was judged, too: budgets, rows and threads.

    Raises:
        OptionError: the pipeline begins with a table and a checkpoint, and not with a run.
        InputError: the run lacks an artifact; all are named.
    """
    names = [name.removesuffix(URI) for name, spec in types.items() if name.endswith(URI) and not spec.optional]
    if set(names) <= set(SOURCES):
        raise OptionError("--run means nothing to this pipeline, which begins with a table; leave it out")
    places = {name: run / LINKS.get(name, name) for name in names}
    lacking = [str(place) for place in places.values() if not is_sealed(place)]
    if lacking:
        raise InputError(f"{', '.join(lacking)}: no sealed folder; --run takes one that pipelines.compress finished")
    given: Values = {_parameter(name): str(place.resolve()) for name, place in places.items()}
    told = parameters_of(places["definition"])
    return given | {name: told[name] for name in (*JUDGING, "threads") if name in told and name in types}


def _parameter(name: str) -> str:
    return name if name in SOURCES else f"{name}{URI}"
