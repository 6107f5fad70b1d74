"""Manifests as evidence: canonical, of the right shape, with paths that stay inside, each under its own digest."""

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import Any

from potstill.artifacts import KINDS, MANIFEST, UNSEALED, Artifact, parse_manifest
from potstill.errors import InputError
from potstill.evidence import shape
from potstill.licences import USES
from potstill.signing.canonical import canonical
from potstill.signing.strict_json import read_strict

DIGEST = re.compile(r"[0-9a-f]{64}")
STAGE = re.compile(r"[a-z][a-z0-9-]{0,63}")
MAKER = ("stage", "potstill", "revision", "source", "libraries", "config", "processor")


def read_evidence_manifest(data: bytes, where: str, folder: Path) -> Artifact:
    """Read a manifest that is evidence.

    Args:
        data: the bytes of the `artifact.json`.
        where: how messages call it.
        folder: where the artifact's files lie, if anywhere.

    Raises:
        InputError: not strict, not canonical, or not of a manifest's shape.
    """
    body = read_strict(data, where)
    _check(body, where)
    if canonical(body) != data:
        raise InputError(f"{where} is not canonical JSON (RFC 8785); wanted are the very bytes that were sealed")
    return parse_manifest(data, folder, where)


def digest_of(data: bytes) -> str:
    """SHA-256 (hex) of bytes."""
    return hashlib.sha256(data).hexdigest()


def _check(body: Any, where: str) -> None:
    shape.mapping(body, where, "kind", "files", "made_by", "inputs", "licence", "meaning")
    shape.one_of(body["kind"], f"{where}: kind", *KINDS)
    _check_files(body["files"], f"{where}: files")
    _check_maker(body["made_by"], f"{where}: made_by")
    shape.texts(body["inputs"], f"{where}: inputs", DIGEST)
    licence = shape.mapping(body["licence"], f"{where}: licence", "expression", "use")
    shape.text(licence["expression"], f"{where}: licence.expression")
    shape.one_of(licence["use"], f"{where}: licence.use", *USES)
    shape.mapping(body["meaning"], f"{where}: meaning")


def _check_maker(maker: Any, where: str) -> None:
    shape.mapping(maker, where, *MAKER)
    shape.text(maker["stage"], f"{where}.stage", STAGE)
    for name in ("potstill", "revision"):
        shape.text(maker[name], f"{where}.{name}")
    shape.text(maker["source"], f"{where}.source", DIGEST)
    shape.texts(maker["libraries"], f"{where}.libraries")
    for name in ("config", "processor"):
        shape.mapping(maker[name], f"{where}.{name}")


def _check_files(files: Any, where: str) -> None:
    found: list[str] = []
    for number, each in enumerate(shape.listed(files, where)):
        place = f"{where}[{number}]"
        shape.mapping(each, place, "path", "bytes", "sha256")
        found.append(safe_path(each["path"], f"{place}.path"))
        shape.whole(each["bytes"], f"{place}.bytes")
        shape.text(each["sha256"], f"{place}.sha256", DIGEST)
    if found != sorted(set(found)):
        raise InputError(f"{where} must be sorted by path, each of them once")


def safe_path(value: Any, where: str) -> str:
    """Return a path that stays inside its folder, written in the one way that it can be.

    Raises:
        InputError: a path that is absolute, empty, leads out, or names the manifest itself.
    """
    path = shape.text(value, where)
    parts = path.split("/")
    strange = any(part in ("", ".", "..") for part in parts) or "\\" in path or "\0" in path
    if strange or PurePosixPath(path).is_absolute() or path in (MANIFEST, UNSEALED):
        raise InputError(f"{where} must be a plain path inside the artifact, got {shape.shown(path)}")
    return path
