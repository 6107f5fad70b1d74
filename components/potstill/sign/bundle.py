"""How a bundle is written: nothing looks whole before it is signed, and what was written is read again."""

import shutil
from pathlib import Path
from typing import Any

from potstill.artifacts import BUNDLE, MANIFEST, SIGNATURE, UNSEALED, Artifact, seal
from potstill.errors import ArtifactError
from potstill.evidence.layout import attestation_path, manifest_path
from potstill.provenance import maker
from potstill.sign.proof import Proved
from potstill.signing.dsse import envelope
from potstill.signing.model_signature import check_signature, sign_folder
from potstill.signing.trust import Signer, Trusted

WORK = "unsigned"  # folder inside the bundle's own until the signature is there


def write_bundle(folder: Path, proved: Proved, signer: Signer, config: Any) -> Artifact:
    """Fill a folder that `creating` gave: the release, its attestations, the seal, the signature.

    A seal alone would make a folder look finished, and the signature goes over the seal. So both are made in a folder
    inside, and the marker of unfinished work goes last.

    Args:
        folder: the bundle's folder, empty but for the marker.
        proved: what is signed.
        signer: who signs.
        config: the stage's options.

    Raises:
        ArtifactError: what was written is not what was proved; the release changed meanwhile.
    """
    inside = folder / WORK
    inside.mkdir()
    _copy(proved, inside)
    for stem, statement in proved.statements.items():
        _write(inside / attestation_path(stem), envelope(statement, signer.key))
    sealed = seal(inside, BUNDLE, _maker(config), {"release": proved.sealed}, proved.sealed.meaning)
    _refuse_changed(sealed, proved)
    index = proved.evidence.index
    signature = sign_folder(inside, signer, f"{index.name}-{index.version}")
    check_signature(inside, signature, Trusted(keys=(signer.key.public_key(),)))
    (inside / SIGNATURE).write_bytes(signature)
    _finish(inside, folder)
    return sealed


def _copy(proved: Proved, inside: Path) -> None:
    for file in proved.sealed.files:
        target = inside / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(proved.sealed.path / file.path, target)
    _write(inside / manifest_path(proved.sealed.digest), (proved.sealed.path / MANIFEST).read_bytes())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _maker(config: Any) -> dict[str, Any]:
    """Say who signed, without what else this process has loaded: it changes no byte, and the digest must not move."""
    return {**maker("sign", config), "libraries": {}, "processor": {}}


def _refuse_changed(sealed: Artifact, proved: Proved) -> None:
    """Hold the copies to what was proved: storage can change between two readings."""
    manifest = manifest_path(proved.sealed.digest)
    attestations = {attestation_path(stem) for stem in proved.statements}
    copies = {file for file in sealed.files if file.path not in {manifest, *attestations}}
    same_manifest = any(file.path == manifest and file.sha256 == proved.sealed.digest for file in sealed.files)
    changed = {file.path for file in copies ^ set(proved.sealed.files)}
    if changed or not same_manifest:
        named = ", ".join(sorted(changed) or [MANIFEST])
        raise ArtifactError(f"{proved.sealed.path} changed while it was signed: {named}; sign it again")


def _finish(inside: Path, folder: Path) -> None:
    for each in sorted(inside.iterdir()):
        each.rename(folder / each.name)
    inside.rmdir()
    (folder / UNSEALED).unlink()
