"""In what two things differ: manifests field by field, and file by file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from potstill.artifacts import Artifact, File
from potstill.lineage.shown import shown
from potstill.reproduce.inside import fields, inside

MAKER = ("potstill", "revision", "source", "libraries", "processor")  # of made_by: who computed, and not what


def same_but_for_the_maker(wanted: Artifact, made: Artifact) -> bool:
    """Tell whether two artifacts are one but for the code, the libraries and the processor that made them."""
    work = [{**_facts(each), "made_by": _work(each)} for each in (wanted, made)]
    return work[0] == work[1] and wanted.files == made.files


def differences(wanted: Artifact, made: Artifact, original: Path | None) -> Iterator[str]:
    """Yield a line for each file and each field that differs.

    Args:
        wanted: as the evidence has it.
        made: as it came out here.
        original: a folder with wanted's files, or some of them; None: what is inside of them cannot be compared.
    """
    want, have = ({file.path: file for file in each.files} for each in (wanted, made))
    for path in sorted(want.keys() | have.keys()):
        yield from _of_file(want.get(path), have.get(path), original, made.path)
    yield from fields(_facts(wanted), _facts(made))


def _facts(artifact: Artifact) -> dict[str, Any]:
    return {
        "kind": artifact.kind,
        "inputs": dict(artifact.inputs),
        "licence": {"expression": artifact.licence.expression, "use": artifact.licence.use},
        "meaning": artifact.meaning,
        "made_by": artifact.made_by,
    }


def _work(artifact: Artifact) -> dict[str, Any]:
    return {name: value for name, value in artifact.made_by.items() if name not in MAKER}


def _of_file(want: File | None, have: File | None, original: Path | None, folder: Path) -> Iterator[str]:
    if want == have:
        return
    if want is None or have is None:
        yield from (f"{shown(each.path)}: wanted, and not made" for each in (want,) if each)
        yield from (f"{shown(each.path)}: made, and not wanted" for each in (have,) if each)
        return
    sizes = f"{want.bytes:,} bytes" if want.bytes == have.bytes else f"{want.bytes:,} bytes wanted, {have.bytes:,} made"
    yield f"{shown(want.path)}: {sizes}, SHA-256 {want.sha256[:12]} wanted, {have.sha256[:12]} made"
    if original is not None and (original / want.path).is_file():
        yield from (f"  {line}" for line in inside(original / want.path, folder / have.path))
