"""The index of a release: name, version, verdict, licence, every artifact behind it, and which of them it ships."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from potstill.artifacts import KINDS
from potstill.errors import InputError
from potstill.evidence import shape
from potstill.evidence.layout import FORMAT, INDEX, KIND_IN, SCHEMA
from potstill.evidence.manifest import DIGEST, STAGE
from potstill.licences import USES, Licence
from potstill.signing.canonical import canonical
from potstill.signing.strict_json import read_strict

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_NUMBER = r"(?:0|[1-9][0-9]{0,15})"
_PART = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
VERSION = re.compile(  # Source: semver.org, version 2.0.0
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PART}(?:\.{_PART})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
LONGEST_VERSION = 100
VERDICTS = ("pass", "fail", "inconclusive")
PASSED = "pass"
LONGEST_REASON = 2000


@dataclass(frozen=True)
class Listed:
    """One artifact of the lineage."""

    digest: str
    kind: str
    stage: str


@dataclass(frozen=True)
class Index:
    """What `release.json` says.

    Attributes:
        name: of the release, as in `headlines`.
        version: semantic version 2.0.
        verdict: pass, fail or inconclusive.
        override: why a release is made of what did not pass; empty where it passed.
        licence: the strictest of all artifacts.
        artifacts: the lineage, ancestors first.
        ships: folder → digest of the artifact whose files lie in it.
    """

    name: str
    version: str
    verdict: str
    override: str
    licence: Licence
    artifacts: tuple[Listed, ...]
    ships: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """The canonical JSON of `release.json`."""
        body = {
            "schema": SCHEMA,
            "format": FORMAT,
            **asdict(self),
            "override": {"reason": self.override} if self.override else None,
            "ships": dict(self.ships),
        }
        return canonical(body)


def read_index(data: bytes, where: str = INDEX, made_with: str = "the potstill that made it") -> Index:
    """Read `release.json`.

    Args:
        data: its bytes.
        where: how messages call it.
        made_with: the potstill that made it, in words; who meets another format is sent there.

    Raises:
        InputError: of another format, not strict, not canonical, or not of this shape.
    """
    body = read_strict(data, where)
    _refuse_other_format(body, where, made_with)
    index = _index(body, where)
    if index.to_bytes() != data:
        raise InputError(f"{where} is not canonical JSON (RFC 8785); wanted are the very bytes that release wrote")
    return index


def _refuse_other_format(body: Any, where: str, made_with: str) -> None:
    told = body.get("format", "none") if isinstance(body, dict) else FORMAT
    if told != FORMAT or isinstance(told, bool):
        raise InputError(
            f"{where} was made by another form of the evidence (format {shape.shown(told)}), this potstill reads "
            f"format {FORMAT}; verify it with {made_with}"
        )


def _index(body: Any, where: str) -> Index:
    keys = ("schema", "format", "name", "version", "verdict", "override", "licence", "artifacts", "ships")
    shape.mapping(body, where, *keys)
    shape.one_of(body["schema"], f"{where}: schema", SCHEMA)
    licence = shape.mapping(body["licence"], f"{where}: licence", "expression", "use")
    return Index(
        name=check_name(body["name"], f"{where}: name"),
        version=check_version(body["version"], f"{where}: version"),
        verdict=shape.one_of(body["verdict"], f"{where}: verdict", *VERDICTS),
        override=_override(body["override"], body["verdict"], f"{where}: override"),
        licence=Licence(
            shape.text(licence["expression"], f"{where}: licence.expression"),
            shape.one_of(licence["use"], f"{where}: licence.use", *USES),
        ),
        artifacts=tuple(_listed(body["artifacts"], f"{where}: artifacts")),
        ships=_ships(body["ships"], f"{where}: ships"),
    )


def check_name(value: Any, where: str) -> str:
    """Return the name of a release.

    Raises:
        InputError: it is none.
    """
    return shape.text(value, where, NAME)


def check_version(value: Any, where: str) -> str:
    """Return a semantic version.

    Raises:
        InputError: it is none.
    """
    if not isinstance(value, str) or len(value) > LONGEST_VERSION or not VERSION.fullmatch(value):
        raise InputError(f"{where} must be a semantic version such as 1.2.0 or 1.2.0-rc.1, got {shape.shown(value)}")
    return value


def check_reason(value: Any, where: str) -> str:
    """Return the reason of an override, in one line.

    Raises:
        InputError: it is none, too long, or more than a line.
    """
    reason = shape.text(value, where)
    if not reason.strip() or not reason.isprintable() or len(reason) > LONGEST_REASON:
        raise InputError(f"{where} must be a line of 1 to {LONGEST_REASON} characters, got {shape.shown(reason)}")
    return reason


def _override(value: Any, verdict: str, where: str) -> str:
    if (value is None) != (verdict == PASSED):
        wanted = "null, as it passed" if verdict == PASSED else f"an object with a reason, as the verdict is {verdict}"
        raise InputError(f"{where} must be {wanted}, got {shape.shown(value)}")
    return "" if value is None else check_reason(shape.mapping(value, where, "reason")["reason"], f"{where}.reason")


def _listed(value: Any, where: str) -> list[Listed]:
    found = []
    for number, each in enumerate(shape.listed(value, where)):
        place = f"{where}[{number}]"
        shape.mapping(each, place, "digest", "kind", "stage")
        digest = shape.text(each["digest"], f"{place}.digest", DIGEST)
        kind = shape.one_of(each["kind"], f"{place}.kind", *KINDS)
        found.append(Listed(digest, kind, shape.text(each["stage"], f"{place}.stage", STAGE)))
    return found


def _ships(value: Any, where: str) -> Mapping[str, str]:
    for folder in shape.mapping(value, where):
        shape.one_of(folder, f"{where}: a folder", *KIND_IN)
    return shape.texts(value, where, DIGEST)
