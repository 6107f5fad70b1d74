"""Sealed folders: what passes between stages says what it holds, and is refused when it does not hold it.

An artifact is a folder with an `artifact.json`: its kind, the closed set of its files with their digests, who made it
from what, what it means, and under which licence. The file is canonical JSON (RFC 8785), so its own SHA-256 names the
artifact. Object stores copy folders file by file and without a commit marker; a missing, changed or *extra* file is
therefore an error, and a folder without `artifact.json` is unfinished work.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from potstill.errors import ArtifactError
from potstill.licences import UNDECLARED, Licence, check_expression, strictest

DATASET = "dataset/v1"
TOKENS = "tokens/v1"
CHECKPOINT = "checkpoint/v1"
TEACHER_OUTPUTS = "teacher-outputs/v1"
LATENCY = "latency/v1"
ONNX = "onnx/v1"
COREML = "coreml/v1"
REPORT = "report/v1"
DEFINITION = "definition/v1"
RELEASE = "release/v1"
BUNDLE = "bundle/v1"
KINDS = (DATASET, TOKENS, CHECKPOINT, TEACHER_OUTPUTS, LATENCY, ONNX, COREML, REPORT, DEFINITION, RELEASE, BUNDLE)

MANIFEST = "artifact.json"
UNSEALED = ".unsealed"  # stands in the folder from the first byte to the seal, so that a killed stage can be run again
SIGNATURE = "model.sig"  # in a bundle, over all else in it: a signature cannot be among the files that it signs

Maker = Mapping[str, Any]
"""Who made an artifact, as `potstill.provenance.maker` tells it."""


@dataclass(frozen=True)
class File:
    """One file of an artifact: its path inside the folder, its length and the SHA-256 of its bytes."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Artifact:
    """A folder whose files were found to be exactly those of its manifest.

    Attributes:
        path: the folder.
        digest: SHA-256 (hex) of the canonical `artifact.json`; it names the content.
        kind: one of KINDS.
        meaning: what a reader must know: label names, split sizes, maximum length, …
    """

    path: Path
    digest: str
    kind: str
    files: tuple[File, ...]
    made_by: Mapping[str, Any]
    inputs: Mapping[str, str]
    licence: Licence
    meaning: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size of all files together, without the manifest."""
        return sum(file.bytes for file in self.files)


def expect(path: Path, *kinds: str, digest: str = "") -> Artifact:
    """Read a sealed folder and prove that it is whole.

    Args:
        path: the folder.
        kinds: the kinds that the caller reads.
        digest: when given, the digest that the artifact must have.

    Raises:
        ArtifactError: not sealed, of another kind, of another digest, or with files missing, changed or added.
    """
    artifact = finished(path, *kinds)
    if digest and digest != artifact.digest:
        raise ArtifactError(f"{path} has digest {artifact.digest}; wanted is {digest}")
    compare(path, artifact.files, [each for each in scan(path) if not _signs(each, artifact)])
    return artifact


def finished(path: Path, *kinds: str) -> Artifact:
    """Read the manifest of a folder whose stage ended; whether its files are those of the manifest is not asked.

    Args:
        path: the folder.
        kinds: the kinds that the caller reads.

    Raises:
        ArtifactError: not sealed, or of another kind.
    """
    artifact = _finished(path)
    if artifact.kind not in kinds:
        raise ArtifactError(f"{path} holds {artifact.kind}; wanted is {' or '.join(kinds)}")
    return artifact


def _signs(file: File, artifact: Artifact) -> bool:
    return file.path == SIGNATURE and artifact.kind == BUNDLE


def is_sealed(path: Path) -> bool:
    """Tell whether a folder carries a manifest (not whether it is whole; `expect` tells that)."""
    return (path / MANIFEST).is_file()


def read_manifest(path: Path) -> Artifact:
    """Read what a folder's manifest says; whether the folder is finished and whole is not asked (`expect` does).

    Raises:
        ArtifactError: the manifest is none.
    """
    return parse_manifest((path / MANIFEST).read_bytes(), path, path / MANIFEST)


def parse_manifest(text: bytes, path: Path, where: object) -> Artifact:
    """Read a manifest's text.

    Args:
        text: what `artifact.json` holds.
        path: the artifact's folder on this machine.
        where: how messages call the manifest.

    Raises:
        ArtifactError: the manifest is none, or its licence is no SPDX expression.
    """
    try:
        body = json.loads(text)
        found = Artifact(
            path=path,
            digest=hashlib.sha256(text).hexdigest(),
            kind=body["kind"],
            files=tuple(File(**file) for file in body["files"]),
            made_by=body["made_by"],
            inputs=body["inputs"],
            licence=Licence(**body["licence"]),
            meaning=body["meaning"],
        )
    except (ValueError, TypeError, KeyError) as broken:
        raise ArtifactError(f"{where} is not a manifest ({broken!r}); make the artifact again") from broken
    _refuse_licence(found.licence, where)
    return found


def _refuse_licence(licence: Licence, where: object) -> None:
    """Refuse terms that cannot be joined with those of others, before any work is done with what they hold for."""
    try:
        check_expression(licence.expression)
    except (ValueError, TypeError) as wrong:
        raise ArtifactError(f"{where}: {wrong}; import it again with --licence") from wrong


def seal(
    path: Path,
    kind: str,
    made_by: Maker,
    inputs: Mapping[str, Artifact],
    meaning: Mapping[str, Any],
    licence: Licence | None = None,
) -> Artifact:
    """Close a folder made under `creating`: write its manifest last, by an atomic rename.

    Args:
        path: the folder.
        kind: one of KINDS.
        made_by: the stage, its options and the code, libraries and processor it ran with.
        inputs: the artifacts that it was made from, by the name of the stage's parameter.
        meaning: what a reader must know; canonical JSON values only.
        licence: what the folder itself brings; joined with the licences of all inputs.
    """
    if kind not in KINDS:
        raise ArtifactError(f"{kind} is not a kind; kinds are: {', '.join(KINDS)}")
    licences = [each.licence for each in inputs.values()] + ([licence] if licence else [])
    files = scan(path)
    _open_to_its_readers(path)
    manifest = {
        "kind": kind,
        "files": [asdict(file) for file in files],
        "made_by": made_by,
        "inputs": {name: each.digest for name, each in inputs.items()},
        "licence": asdict(strictest(licences) if licences else UNDECLARED),
        "meaning": meaning,
    }
    import rfc8785  # noqa: PLC0415 - who only reads, as an auditor does, needs the standard library alone

    text = rfc8785.dumps(_plain(manifest))
    unfinished = path / f"{MANIFEST}.part"
    unfinished.write_bytes(text)
    unfinished.replace(path / MANIFEST)
    (path / UNSEALED).unlink(missing_ok=True)
    return _finished(path)


def _open_to_its_readers(path: Path) -> None:
    """Let whoever may read the folder read all in it.

    safetensors and coremltools write for the owner alone, and the user of the next step's pod is another.
    """
    given = path.stat().st_mode
    for each in below(path):
        wanted, mode = given & (0o777 if each.is_dir() else 0o666), each.stat().st_mode
        if mode | wanted != mode:
            each.chmod(mode | wanted)


def scan(path: Path) -> tuple[File, ...]:
    """List and digest every file below a folder, sorted by path; the manifest itself and the marker do not count.

    Raises:
        ArtifactError: a symbolic link, anything else that is not a plain file or folder, or a folder that this user
            may not list.
    """
    found = {each.relative_to(path).as_posix(): each for each in plain_files(path)}
    counted = sorted(found.keys() - {MANIFEST, UNSEALED})
    return tuple(File(inside, found[inside].stat().st_size, sha256_of(found[inside])) for inside in counted)


def plain_files(path: Path) -> Iterator[Path]:
    """Yield every file below a folder, at any depth.

    Raises:
        ArtifactError: a symbolic link, anything else that is not a plain file or folder, or a folder that this user
            may not list.
    """
    for each in below(path):
        if each.is_symlink() or not (each.is_file() or each.is_dir()):
            raise ArtifactError(f"{each} is not a plain file; artifacts hold plain files only")
        if each.is_file():
            yield each


def below(path: Path) -> Iterator[Path]:
    """Yield all that lies below a folder, links unfollowed, each folder before what is in it.

    `Path.rglob` passes in silence over a folder that it may not list, and a set with a hole would look closed.

    Raises:
        ArtifactError: a folder that cannot be listed.
    """
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError as failed:
            raise ArtifactError(
                f"{folder} cannot be listed ({failed.strerror}); let this user read it, or fetch it again"
            ) from failed
        yield from (Path(each.path) for each in here)
        waiting += [Path(each.path) for each in reversed(here) if each.is_dir(follow_symlinks=False)]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _finished(path: Path) -> Artifact:
    if not path.is_dir():
        raise ArtifactError(
            f"{path} does not exist or is not a folder; wanted is a sealed artifact: check its place, "
            "and that the step that writes it has ended"
        )
    if (path / UNSEALED).exists():
        raise ArtifactError(f"{path} is unfinished: the stage that writes it did not end; run that stage again")
    if not is_sealed(path):
        raise ArtifactError(f"{path} has no {MANIFEST}; it was not written by a potstill stage, or not to its end")
    return read_manifest(path)


def compare(where: object, wanted: Sequence[File], found: Sequence[File]) -> None:
    """Prove that the files of an artifact are those of its manifest.

    Args:
        where: how messages call the artifact.
        wanted: as the manifest lists them.
        found: as they are.

    Raises:
        ArtifactError: files are missing, changed or added.
    """
    want = {file.path: file for file in wanted}
    have = {file.path: file for file in found}
    offences = [f"missing {name}" for name in sorted(want.keys() - have.keys())]
    offences += [f"extra {name}" for name in sorted(have.keys() - want.keys())]
    offences += [
        _changed(want[name], have[name]) for name in sorted(want.keys() & have.keys()) if want[name] != have[name]
    ]
    if offences:
        raise ArtifactError(
            f"{where} is not what was sealed: {', '.join(offences)}; remove what is extra, or make or fetch it again"
        )


def _changed(wanted: File, found: File) -> str:
    """Name a changed file, with what was wanted and what is there; a manifest may be wrong in the length alone."""
    if wanted.sha256 == found.sha256:
        return f"changed {wanted.path} ({wanted.bytes} bytes wanted, {found.bytes} found)"
    return f"changed {wanted.path} (SHA-256 {wanted.sha256} wanted, {found.sha256} found)"


def _plain(value: Any) -> Any:
    """Turn paths, tuples and mappings into what JSON knows; RFC 8785 refuses NaN and integers beyond 2^53 itself."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Path):
        return value.as_posix()
    return value
