"""Budgets as people write them: YAML or JSON, read strictly, each mistake named in one line."""

import json
import re
from collections.abc import Hashable, Iterable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from potstill.errors import InputError, OptionError
from potstill.one_line import one_line
from potstill.validate.budgets.limits import Budgets

SUFFIXES = (".yaml", ".yml", ".json")
LARGEST = 65_536  # bytes; a file of every budget with a comment each has some 2,000
DEEPEST = 3  # a mapping, and what a mistake holds: what is deeper takes PyYAML a second by the thousand
SHOWN = 40  # characters of a wrong value, and of what the parser says, that a message repeats
KNOWN = tuple(Budgets.model_fields)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's scalars only: in 1.1 `1e-2` is a text, `no` is false, `1:30` is 90 and `010` is 8."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own name and type

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave `<<` an unknown key like any other."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that stands twice: of two limits nobody knows which was meant."""
        _refuse_twice(str(key.value) for key, _ in node.value)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"~|null|", "~n\0"),
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def read_budgets(given: str) -> Budgets:
    """Read budgets; what is not named keeps its default.

    Args:
        given: YAML text; or the path of a `.yaml`, `.yml` or `.json` file, in one line; empty: the defaults.

    Raises:
        InputError: a file that is not there, or what is no plain mapping.
        OptionError: a budget that does not exist, stands twice, or has a value out of its range.
    """
    where, text = text_of(given)
    try:
        found = json.loads(text, object_pairs_hook=_once) if where.lower().endswith(".json") else _yaml(text)
    except OptionError as refused:
        raise OptionError(f"{where}: {refused}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as broken:
        raise InputError(f"{where} cannot be read: {_brief(broken)}") from None
    if found is not None and not isinstance(found, dict):
        raise InputError(f"{where} must map budgets to limits, as in `max_size_mb: 10`, got {str(found)[:SHOWN]!r}")
    return _checked(found or {}, where)


def text_of(given: str) -> tuple[str, str]:
    """Return what budgets are called in messages, and their text: that of the file, where a file is named.

    Raises:
        InputError: the file cannot be read, or has more than LARGEST bytes.
    """
    name = given.strip()
    if "\n" in name or not name.lower().endswith(SUFFIXES):
        if len(given.encode(errors="replace")) > LARGEST:
            raise InputError(f"budgets have at most {LARGEST:,} bytes, got {len(given):,} characters")
        return "budgets", given
    path = Path(name)
    if path.exists() and not path.is_file():
        raise InputError(f"{name} is no plain file; wanted is YAML or JSON of budgets")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise InputError(f"{name} has more than {LARGEST:,} bytes; budgets are one small mapping")
        return name, content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as broken:
        raise InputError(f"{name} cannot be read: {getattr(broken, 'strerror', None) or _brief(broken)}") from None


def _yaml(text: str) -> Any:
    """One document of plain values; anchors, aliases and tags have no business here, and let a text grow in memory."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError("it is nested; wanted is one plain mapping of budgets to limits")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ValueError("anchors (&) and aliases (*) are not read; write each limit out")
        tag = getattr(event, "tag", None)
        if tag:
            raise ValueError(f"tags are not read, got {str(tag)[:SHOWN]}; write plain numbers")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader of our own


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _refuse_twice(key for key, _ in pairs)
    return dict(pairs)


def _refuse_twice(keys: Iterable[str]) -> None:
    seen: set[str] = set()
    twice = {key for key in keys if key in seen or seen.add(key)}  # type: ignore[func-returns-value]
    if twice:
        raise OptionError(f"{', '.join(sorted(twice))} stands twice; keep one")


def _checked(found: dict[Any, Any], where: str) -> Budgets:
    try:
        return Budgets.model_validate(found)
    except ValidationError as refused:
        offences = "; ".join(_offence(dict(each)) for each in refused.errors())
        raise OptionError(f"{where}: {offences}") from None


def _offence(offence: dict[str, Any]) -> str:
    kind, message = offence["type"], str(offence["msg"])
    name = one_line(str(offence["loc"][0])[:SHOWN]) if offence["loc"] else "a key"
    if kind in ("extra_forbidden", "invalid_key"):
        nearest = sorted(KNOWN, key=lambda known: -SequenceMatcher(None, name, known).ratio())
        return f"there is no budget {name!r}; nearest: {nearest[0]}; all: {', '.join(nearest)}"
    number = "a number" if offence["input"] is None else "a number or null"
    wanted = {"float_type": number, "bool_type": "true or false"}.get(kind)
    wanted = wanted or message.removeprefix("Input should be ").replace("valid ", "")
    return f"{name} must be {wanted}, got {_shown(offence['input'])}"


def _shown(value: Any) -> str:
    """As YAML writes it."""
    return json.dumps(value) if isinstance(value, bool | None) else repr(value)[:SHOWN]


def _brief(broken: Exception) -> str:
    """The error's first sentence; a YAML error tells the line, too."""
    mark = getattr(broken, "problem_mark", None)
    said = getattr(broken, "problem", None) or str(broken).splitlines()[0] if str(broken) else type(broken).__name__
    return f"{said} (line {mark.line + 1})" if mark else str(said)
