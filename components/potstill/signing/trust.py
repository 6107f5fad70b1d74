"""Who signs, and who is trusted to have signed: keys, or certificates under an authority."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potstill.errors import InputError
from potstill.signing.certificates import (
    Certificate,
    chain_of,
    leaf_key,
    load_der,
    read_authorities,
    read_chain,
    subject,
    verify_chain,
)
from potstill.signing.dsse import decode
from potstill.signing.keys import PrivateKey, PublicKey, key_id, read_private, read_public


@dataclass(frozen=True)
class Signer:
    """Who signs: a key, and the certificates that say whose it is.

    Attributes:
        key: the private key.
        chain: the key's certificate, and those between it and a root, without the root; empty for a bare key.
    """

    key: PrivateKey
    chain: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class Trusted:
    """Whom a reader trusts: keys, authorities whose certificates name the signer, or both."""

    keys: tuple[PublicKey, ...] = ()
    authorities: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class Identity:
    """Who signed, as proved.

    Attributes:
        key: the public key.
        chain: its certificates; empty for a bare key.
        name: the key's id, or whom the certificate names, for a reader.
        vouched: whether a trusted authority vouches for the chain; else the key itself is trusted.
    """

    key: PublicKey
    chain: tuple[Certificate, ...]
    name: str
    vouched: bool = False


def read_signer(key: Path, certificate: Path | None = None) -> Signer:
    """Read a private key, and the certificate that it signs under where one is given.

    Raises:
        InputError: the key or the certificate cannot be read, do not belong together, or are not for signing.
    """
    private = read_private(key)
    return Signer(private, read_chain(certificate, private.public_key()) if certificate else ())


def read_trusted(keys: Sequence[Path], authorities: Sequence[Path] = ()) -> Trusted:
    """Read the public keys and the authorities that a reader trusts.

    Raises:
        InputError: one of them cannot be read.
    """
    roots = (each for path in authorities for each in read_authorities(path))
    return Trusted(tuple(read_public(each) for each in keys), tuple(roots))


def material_of(signer: Signer) -> dict[str, Any]:
    """Write what a Sigstore bundle tells of its signer."""
    if signer.chain:
        return {"tlogEntries": [], "x509CertificateChain": chain_of(signer.chain)}
    return {"publicKey": {"hint": key_id(signer.key.public_key())}, "tlogEntries": []}


def identity_in(material: Any, trusted: Trusted, where: str) -> Identity:
    """Find out who is said to have signed, and prove that the reader trusts them.

    Args:
        material: what the Sigstore bundle tells of its signer.
        trusted: whom the reader trusts.
        where: how messages call the bundle.

    Raises:
        InputError: it says nothing that is read here, or names nobody that is trusted.
    """
    if not isinstance(material, dict) or material.get("tlogEntries") != [] or len(material) != 2:
        raise InputError(f"{where} does not say in the one known way who signed")
    if "publicKey" in material:
        return _by_key(material["publicKey"], trusted, where)
    chain = _chain_in(material.get("x509CertificateChain"), where)
    return _by_certificate(chain, trusted, where)


def _by_key(said: Any, trusted: Trusted, where: str) -> Identity:
    for each in trusted.keys:
        if said == {"hint": key_id(each)}:
            return Identity(each, (), f"the key {key_id(each)}")
    named = said.get("hint") if isinstance(said, dict) else None
    raise InputError(f"{where} is signed by the key {str(named)[:64]!a}; trusted: {_listed(trusted)}")


def _by_certificate(chain: tuple[Certificate, ...], trusted: Trusted, where: str) -> Identity:
    """Take a signer whose own key is trusted without asking who vouches for it."""
    key = leaf_key(chain)
    if key in trusted.keys:
        return Identity(key, chain, f"the key {key_id(key)}")
    if not trusted.authorities:
        raise InputError(f"{where} is signed under the certificate of {subject(chain[0])}; trusted: {_listed(trusted)}")
    return Identity(verify_chain(chain, trusted.authorities), chain, subject(chain[0]), vouched=True)


def _chain_in(said: Any, where: str) -> tuple[Certificate, ...]:
    listed = said.get("certificates") if isinstance(said, dict) else None
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{where} names neither a key nor a certificate")
    raw = [each.get("rawBytes") if isinstance(each, dict) else None for each in listed]
    chain = tuple(load_der(decode(each, where), where) for each in raw)
    if chain_of(chain) != said:
        raise InputError(f"{where} holds its certificates in another spelling")
    return chain


def _listed(trusted: Trusted) -> str:
    names = [f"the key {key_id(each)}" for each in trusted.keys]
    names += [f"the authority {subject(each)}" for each in trusted.authorities]
    return ", ".join(names) or "nobody"
