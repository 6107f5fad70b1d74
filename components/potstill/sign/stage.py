"""The stage: a release in, a signed bundle out."""

import os
from pathlib import Path

from potstill.artifacts import BUNDLE
from potstill.errors import OptionError
from potstill.evidence.replacing import refuse_other_release
from potstill.measure.measures import Measures
from potstill.output_folder import creating
from potstill.progress import tell
from potstill.sign.bundle import write_bundle
from potstill.sign.config import SignConfig
from potstill.sign.proof import prove
from potstill.signing.certificates import CERTIFICATE, subject
from potstill.signing.keys import KEY, MOUNTED_KEY, key_id
from potstill.signing.shown_path import is_key_itself
from potstill.signing.trust import Signer, read_signer

CERTIFICATE_SUFFIX = ".crt"  # beside the mounted key, in the same secret

__all__ = ["SignConfig", "sign_release"]


def sign_release(
    release: Path,
    bundle: Path,
    config: SignConfig,
    ancestors: tuple[Path, ...] = (),
    key: Path | None = None,
    certificate: Path | None = None,
) -> Measures:
    """Sign a release, after computing again every digest that it claims.

    The signer trusts no stage: files against their manifests, manifests against each other, and every statement made
    again from them. The same release and key give the same bytes.

    Args:
        release: `release/v1`.
        bundle: where `bundle/v1` is written: the release, an attestation for each statement, and model.sig over all.
        config: the options.
        ancestors: artifacts of the lineage as they lie in storage; each is read again, file by file.
        key: file of the private key; by default the one that POTSTILL_SIGNING_KEY names, or, where it names none, the
            one that a cluster mounted.
        certificate: file of the key's certificate, and of those between it and a root; by default the one that
            POTSTILL_SIGNING_CERTIFICATE names, or `release.crt` beside a mounted key; and else none.

    Returns: files and bytes of the bundle, its attestations, artifacts of the lineage, and how many of them were read
        again.

    Raises:
        ArtifactError: something is not what the release claims.
        InputError: the key or the certificate cannot be used, or the evidence cannot be read.
        OptionError: no key is named, or a key stands where its path is wanted.
    """
    signer = _signer(key, certificate)
    proved = prove(release, config.release_digest, ancestors)
    index = proved.evidence.index
    refuse_other_release(bundle, index)
    with creating(bundle, BUNDLE, release, *ancestors):
        sealed = write_bundle(bundle, proved, signer, config)
    tell(f"{index.name} {index.version}, bundle {sealed.digest}, signed by {_name(signer)}")
    return {
        "files": float(len(sealed.files)),
        "bytes": float(sealed.bytes),
        "attestations": float(len(proved.statements)),
        "artifacts": float(len(proved.evidence.manifests)),
        "recomputed": float(proved.recomputed),
    }


def _signer(key: Path | None, certificate: Path | None) -> Signer:
    key, certificate = key or _named(KEY), certificate or _named(CERTIFICATE)
    if key is None and os.path.lexists(MOUNTED_KEY):
        key, beside = MOUNTED_KEY, MOUNTED_KEY.with_suffix(CERTIFICATE_SUFFIX)
        certificate = certificate or (beside if os.path.lexists(beside) else None)
    if key is None:
        raise OptionError(
            f"no key to sign with; set {KEY} to the path of its file, or give --key, or mount it as {MOUNTED_KEY} "
            "(potstill keys new KEY makes one)"
        )
    return read_signer(key, certificate)


def _named(variable: str) -> Path | None:
    given = os.environ.get(variable, "")
    if is_key_itself(given):
        raise OptionError(f"{variable} holds a key or a certificate itself; set it to the path of a file")
    return Path(given) if given else None


def _name(signer: Signer) -> str:
    return subject(signer.chain[0]) if signer.chain else f"the key {key_id(signer.key.public_key())}"
