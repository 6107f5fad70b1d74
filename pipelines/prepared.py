"""What a run is given, checked before anything runs; the same for a run here and for one on a cluster."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipelines.parameters import SOURCES, Values, check, with_budgets, with_defaults
from pipelines.release_request import check_release, with_texts
from pipelines.sources import refuse_lacking
from pipelines.step_options import check_steps
from potstill.errors import OptionError

NAMED = (*SOURCES, "revision")  # in a params file, and no parameters of the pipeline


class Prepared(NamedTuple):
    """A pipeline's parameters, of the types it declares; and what the user named as sources."""

    arguments: Values
    sources: dict[str, str]
    types: dict[str, str]


def prepare(pipeline: Any, values: Values) -> Prepared:
    """Check everything that can be checked without a step.

    Args:
        pipeline: the compiled pipeline object.
        values: parameters by name, and the sources `data` and `start`.

    Raises:
        PotstillError: a parameter or an option of a step is refused, or a source is lacking.
    """
    types = {name: str(spec.type) for name, spec in pipeline.component_spec.inputs.items()}
    sources = {name: str(values[name]) for name in NAMED if name in values}
    known = {name: kind for name, kind in types.items() if name.removesuffix("_uri") not in SOURCES}
    arguments = with_texts(
        with_budgets(check({name: each for name, each in values.items() if name not in NAMED}, known))
    )
    refuse_lacking(sources, types)
    _refuse_nameless(arguments)
    _refuse_unset(arguments, pipeline.component_spec.inputs)
    check_steps(pipeline, arguments)
    check_release(with_defaults(arguments, pipeline.component_spec.inputs))
    return Prepared(arguments, sources, types)


def _refuse_unset(arguments: Values, inputs: Mapping[str, Any]) -> None:
    """Refuse to begin without a parameter that has no default.

    Raises:
        OptionError: names all of them.
    """
    of_sources = {f"{name}_uri" for name in SOURCES}
    wanted = [name for name, spec in inputs.items() if not spec.optional and name not in of_sources]
    if lacking := [name for name in wanted if arguments.get(name) in (None, "")]:
        raise OptionError(f"nothing is given for {', '.join(lacking)}; pass --set {lacking[0]}=…, or --run FOLDER")


def _refuse_nameless(arguments: Values) -> None:
    """Refuse to run for hours with options of a release that nobody named, and that would not be made.

    Raises:
        OptionError: names all of them.
    """
    asked = [name for name, value in arguments.items() if name.startswith("release_") and value]
    if asked and not arguments.get("release_name"):
        raise OptionError(f"{', '.join(asked)} without release_name releases nothing; pass --set release_name=…")
