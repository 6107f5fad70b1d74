"""Asked before anything runs: does each stage take its recipe, and with what would this machine compute it?

A process of its own, so that torch and the rest of the libraries are gone from memory when the stages begin.
`python -m potstill.reproduce.preflight < recipes.json`
"""

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from inspect import Parameter, signature
from typing import Any, get_type_hints

from potstill.commands import COMMANDS
from potstill.errors import PotstillError
from potstill.lineage.outputs import OUTPUTS
from potstill.options import recorded
from potstill.provenance import LIBRARIES, source_digest

Recipe = Mapping[str, Any]
"""stage, inputs (names of its parameters), config."""


def main() -> int:
    """Answer on stdout, as JSON, to a list of recipes on stdin; return 0."""
    recipes = json.load(sys.stdin)
    refused = [why for each in recipes for why in refusals(each)]
    json.dump({"refused": refused, **machine()}, sys.stdout)
    return 0


def refusals(recipe: Recipe) -> list[str]:
    """Say why a stage would not take its recipe; empty where it does."""
    stage = recipe["stage"]
    module, name, _ = COMMANDS[stage]
    function = getattr(import_module(module), name)
    return [f"{stage} {why}" for why in (*_of_inputs(stage, function, recipe["inputs"]), *_of_config(function, recipe))]


def machine() -> dict[str, Any]:
    """Tell what manifests made here would tell: source, libraries, instruction-set tier, what `auto` is."""
    import torch  # noqa: PLC0415 - takes seconds

    from potstill.training.device import pick_device, resolve_dtype  # noqa: PLC0415 - likewise

    return {
        "source": source_digest(),
        "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
        "isa": torch.backends.cpu.get_cpu_capability(),
        "auto": str(resolve_dtype("auto", pick_device())).removeprefix("torch."),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _of_inputs(stage: str, function: Any, given: Sequence[str]) -> list[str]:
    parameters = signature(function).parameters
    own = {name for name in parameters if name not in ("config", OUTPUTS[stage])}
    required = {name for name in own if parameters[name].default is Parameter.empty}
    strange, missing = sorted(set(given) - own), sorted(required - set(given))
    found = [f"reads no {name!a}" for name in strange]
    return found + [f"read {name} that was not sealed; seal it, as potstill import-data does" for name in missing]


def _of_config(function: Any, recipe: Recipe) -> list[str]:
    kind, given = get_type_hints(function)["config"], recipe["config"]
    strange = sorted(set(given) - set(recorded(kind())))
    if strange:
        return [f"writes no option {', '.join(map(ascii, strange))} into a manifest"]
    try:
        told = recorded(kind(**given))
    except PotstillError as refused:
        return [f"does not take its options: {refused}"]
    changed = sorted(name for name, value in given.items() if told[name] != value)
    return [f"writes other values of {', '.join(changed)} into a manifest"] if changed else []


if __name__ == "__main__":
    raise SystemExit(main())
