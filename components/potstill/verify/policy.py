"""What an organisation asks of a release before it lets it in: a TOML file, every field of it known and of its type."""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any

from potstill.errors import InputError, OptionError
from potstill.evidence.limits import DEFAULTS
from potstill.licences import USES
from potstill.one_line import one_line
from potstill.signing.shown_path import refuse_key_itself
from potstill.verify.semantic_version import SemanticVersion

VERDICTS = ("pass", "fail", "inconclusive")
LARGEST = 2**20  # bytes of a policy file
SWITCH = "beat_tfidf"  # the one budget that is no number


@dataclass(frozen=True)
class Policy:
    """What is asked besides the proof itself; without a file, the verdict must be a pass that nobody overrode.

    Attributes:
        name: the release's name; "" for any.
        version: its version; "" for any.
        minimum_version: the oldest version that is let in, so that nobody is served an old release as a new one.
        digest: SHA-256 (hex) of the bundle's `artifact.json`: exactly this one.
        required_stages: stages that must stand in the lineage.
        verdicts: the verdicts that are let in.
        override: whether a release may stand against its verdict.
        licence_uses: the uses that are let in: "open", "undeclared", "research-only".
        builders: who may have run the stages, by `builder.id`; empty for anybody.
        pinned_images: whether every image must be named by its digest.
        definition: digest of the `definition/v1` that must have been run.
        signers: who may have signed: ids of keys, or subjects and alternative names of certificates; empty for anybody
            who is trusted.
        budgets: the limits that must have been asked for, or stricter ones.
    """

    name: str = ""
    version: str = ""
    minimum_version: str = ""
    digest: str = ""
    required_stages: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ("pass",)
    override: bool = False
    licence_uses: tuple[str, ...] = USES
    builders: tuple[str, ...] = ()
    pinned_images: bool = False
    definition: str = ""
    signers: tuple[str, ...] = ()
    budgets: Mapping[str, float | bool] = field(default_factory=dict)


FIELDS = tuple(each.name for each in fields(Policy))


def read_policy(path: Path) -> Policy:
    """Read a policy.

    Raises:
        InputError: no such file, not TOML, or nothing in it: a file that was cut short would let everything in.
        OptionError: a field that does not exist, or has another type or value; all of them at once. Or a key in place
            of the path.
    """
    try:
        found = tomllib.loads(read_policy_text(path))
    except (ValueError, RecursionError) as broken:
        raise InputError(f"{path} is not TOML: {one_line(str(broken))}") from None
    if not found:
        raise InputError(f"{path} asks for nothing; write what is wanted into it, or leave the policy out")
    return make_policy(found, path)


def read_policy_text(path: Path) -> str:
    """Read a policy's text; whether it is one is not asked.

    Raises:
        InputError: no such file, too large, or no text.
        OptionError: a key in place of the path.
    """
    refuse_key_itself(path)
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise InputError(f"{path} has more than {LARGEST} bytes; a policy is a short TOML file")
        return text.decode("utf-8")
    except OSError as failed:
        raise InputError(f"{path} cannot be read: {failed.strerror}; give a policy as TOML") from None
    except ValueError as broken:
        raise InputError(f"{path} is not TOML: {one_line(str(broken))}") from None


def make_policy(found: Mapping[str, Any], where: object = "the policy") -> Policy:
    """Make a policy of the fields of a file.

    Raises:
        OptionError: a field that does not exist, or has another type or value; all of them at once.
    """
    wrong = [_unknown(name) for name in found if name not in FIELDS]
    wrong += [f"{name} {refused}" for name, value in found.items() if (refused := _refusal(name, value))]
    if wrong:
        raise OptionError(f"{where} cannot be used: {'; '.join(wrong)}")
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return Policy(**given)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, FIELDS, 1)
    return f"{name!r} is no field{f', did you mean {near[0]}' if near else ''}; fields are {', '.join(FIELDS)}"


def _refusal(name: str, value: object) -> str:
    """Say why a field's value cannot be; "" where it can."""
    wanted, fits = RULES.get(name, ("", lambda _: True))
    return "" if fits(value) else f"must be {wanted}, got {value!r}"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_version(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(SemanticVersion(value))
    except OptionError:
        return False


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value))


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_text(each) for each in value)


def _is_list_of(words: tuple[str, ...]) -> Callable[[object], bool]:
    return lambda value: _is_list(value) and isinstance(value, list) and all(each in words for each in value)


def _are_budgets(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(_is_limit(name, each) for name, each in value.items())


def _is_limit(name: str, limit: object) -> bool:
    if isinstance(DEFAULTS.get(name), bool):
        return isinstance(limit, bool)
    figure = isinstance(limit, int | float) and not isinstance(limit, bool)
    return name in DEFAULTS and figure and isfinite(limit)  # type: ignore[arg-type]  # a figure, as was just seen


_TEXTS = "a list of at least one text"
_VERSION = "a semantic version such as 1.4.0"
_DIGEST = "a SHA-256 of 64 small hexadecimal digits"
RULES: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "name": ("a text", _is_text),
    "version": (_VERSION, _is_version),
    "minimum_version": (_VERSION, _is_version),
    "digest": (_DIGEST, _is_digest),
    "required_stages": (_TEXTS, _is_list),
    "verdicts": (f"a list out of {', '.join(VERDICTS)}", _is_list_of(VERDICTS)),
    "override": ("true or false", _is_switch),
    "licence_uses": (f"a list out of {', '.join(USES)}", _is_list_of(USES)),
    "builders": (_TEXTS, _is_list),
    "pinned_images": ("true or false", _is_switch),
    "definition": (_DIGEST, _is_digest),
    "signers": (_TEXTS, _is_list),
    "budgets": (
        f"a table of limits, each a number ({SWITCH} true or false), out of {', '.join(DEFAULTS)}",
        _are_budgets,
    ),
}
