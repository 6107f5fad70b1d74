"""Parameters of a pipeline, from a YAML file and the command line, checked against the pipeline's own signature."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from potstill.errors import InputError, OptionError

SET = "--set"
Values = dict[str, Any]
SOURCES = ("data", "start")  # what the user names; from each, its URI is made
WORDS = {"Boolean": "true or false", "Integer": "whole number", "Float": "number", "String": "text"}


class Setting(str):
    """A value as it stands on the command line: a text parameter takes it as it is, and the others as YAML."""

    __slots__ = ()

    @property
    def is_quoted(self) -> bool:
        """Whether quotation marks of YAML stand around it."""
        return len(self) > 1 and self[0] == self[-1] and self[0] in "'\""

    def read(self, name: str) -> Any:
        """Read it as YAML.

        Raises:
            OptionError: it is none.
        """
        try:
            return yaml.safe_load(self) if self else ""
        except yaml.YAMLError:
            raise OptionError(f"--set {name}: {str(self)!r} is no value") from None


def read_params(path: Path) -> Values:
    """Read a params file: a YAML mapping of names to values.

    Raises:
        InputError: no such file, not YAML, or not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as broken:
        reason = " ".join(str(broken).split())
        raise InputError(f"{path} cannot be read as a params file: {reason}") from broken
    if not isinstance(values, dict):
        raise InputError(f"{path} holds no parameters; wanted are lines such as 'max_length: 32'")
    return values


def gather_settings(arguments: Sequence[str]) -> list[str]:
    """Put the values of every --set behind the first; of an option that is repeated, the last alone would be kept.

    Args:
        arguments: as on the command line.
    """
    kept: list[str] = []
    settings: list[str] = []
    to = kept
    for each in arguments:
        if each == SET or each.startswith(f"{SET}="):
            to = settings
            settings += [each.removeprefix(f"{SET}=")] if each != SET else []
        else:
            to = kept if each.startswith("--") else to
            to.append(each)
    return [*kept, SET, *settings] if settings or SET in arguments else kept


def parse_settings(settings: Sequence[str]) -> Values:
    """Parse `name=value` pairs from the command line.

    Raises:
        OptionError: a pair without a name or an equals sign.
    """
    values: Values = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (name and equals):
            raise OptionError(f"--set takes name=value, got {setting!r}")
        values[name.replace("-", "_")] = Setting(value)
    return values


def check(values: Values, types: Mapping[str, str]) -> Values:
    """Check names and types, and give each value the type that the pipeline declares.

    Args:
        values: as read.
        types: the pipeline's inputs and their KFP types (String, Integer, Float, Boolean).

    Raises:
        OptionError: every unknown name and every value of a wrong type, in one line.
    """
    offences = [_unknown(name, types) for name in sorted(values.keys() - types.keys())]
    checked: Values = {}
    for name in values.keys() & types.keys():
        value = values[name]
        if isinstance(value, Setting) and (types[name] != "String" or value.is_quoted):
            value = value.read(name)
        try:
            checked[name] = _typed(value, types[name])
        except ValueError:
            offences.append(f"{name} must be {WORDS[types[name]]}, got {value!r}")
    if offences:
        raise OptionError(f"{'; '.join(offences)}; parameters are: {', '.join(types)}")
    return checked


def _unknown(name: str, types: Mapping[str, str]) -> str:
    near = get_close_matches(name, types, 1)
    return f"unknown parameter {name}{f' (did you mean {near[0]}?)' if near else ''}"


def with_budgets(values: Values) -> Values:
    """Hand budgets on as text, whatever file is named: the step that reads them runs elsewhere, without the file.

    Raises:
        PotstillError: the file cannot be read, or a budget is refused.
    """
    if not values.get("budgets"):
        return values
    from potstill.validate.budgets import read_budgets  # noqa: PLC0415 - only where there are budgets

    return values | {"budgets": read_budgets(values["budgets"]).model_dump_json(exclude_unset=True)}


def with_defaults(values: Values, inputs: Mapping[str, Any]) -> Values:
    """Add the defaults of what is not given.

    Args:
        values: parameters by name.
        inputs: the pipeline's inputs, as KFP knows them.
    """
    return {name: spec.default for name, spec in inputs.items()} | values


def describe(inputs: Mapping[str, Any]) -> str:
    """Tell every parameter of a pipeline, with its default, for `--help`.

    Args:
        inputs: the pipeline's inputs, as KFP knows them.
    """
    rows = [
        f"  {name} ({spec.default!r}): {spec.description}"
        for name, spec in inputs.items()
        if name.removesuffix("_uri") not in SOURCES
    ]
    return "\n".join(
        [
            "Run the pipeline here, on KFP's own local runner; or on a cluster, with --submit.",
            "",
            "Parameters, for --set and the params file:",
            *rows,
        ]
    )


def _typed(value: Any, wanted: str) -> Any:
    if wanted == "Boolean" and isinstance(value, bool):
        return value
    if wanted == "Integer" and isinstance(value, int) and not isinstance(value, bool):
        return value
    # A float parameter must not be given an integer: KFP refuses to compile it.
    if wanted == "Float" and isinstance(value, int | float | str) and not isinstance(value, bool):
        return float(value)
    if wanted == "String":  # a mapping, such as budgets, is handed on as text that YAML reads
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    raise ValueError(wanted)
