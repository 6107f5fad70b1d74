"""Certificates: whose key signed, said by an authority that the reader trusts. Offline, without revocation lists.

The time rule. Nothing tells, without a network, when a signature was made. So a chain is judged at the beginning of the
signer's own certificate, as stock model signing does: a release stays verifiable after the certificate has run out,
and whoever holds a key after that could still sign with it. Stricter than the stock tool: a certificate that has not
begun yet is refused, one for web servers or mail is, and signing with one that has run out is.

Source: RFC 5280; path validation by cryptography's x509.verification.
"""

import base64
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from potstill.errors import InputError
from potstill.one_line import one_line
from potstill.signing.keys import PRIVATE, PublicKey, curve_of, read_pem

Certificate = x509.Certificate
CERTIFICATE = "POTSTILL_SIGNING_CERTIFICATE"  # path of the file
AN_AUTHORITY = "the certificate of an authority"
LONGEST = 8  # certificates between a signer and a root
_BROKEN = (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion)
_CHECKED_NAMES = (
    x509.DNSName,
    x509.IPAddress,
    x509.RFC822Name,
)  # name constraints that cryptography holds names against
_SIGNS = (ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


def read_chain(path: Path, key: PublicKey) -> tuple[Certificate, ...]:
    """Read the certificate to sign under, and those between it and a root.

    Args:
        path: a PEM file: the signer's certificate first, each issued by the next. A root at its end is left out: the
            reader brings the roots.
        key: the public half of the key that signs.

    Raises:
        InputError: no certificates, not in order, not this key's, not for signing, or out of its time.
        OptionError: the path is a key itself.
    """
    leaf, *issuers = _load(read_pem(path, "a certificate"), path, "a certificate")
    chain = (leaf, *(each for each in issuers if each.subject != each.issuer))
    if _public_key(leaf) != key:
        raise InputError(f"{path} does not belong to the key: the first certificate holds another public key")
    _refuse_order(chain, str(path))
    _refuse_use(leaf)
    _refuse_time(leaf, datetime.now(UTC))
    return chain


def read_authorities(path: Path) -> tuple[Certificate, ...]:
    """Read the authorities that a reader trusts.

    Args:
        path: a PEM file with one certificate or more.

    Raises:
        InputError: no certificates, or one that is no authority's.
        OptionError: the path is a key itself.
    """
    return load_authorities(read_pem(path, AN_AUTHORITY), path)


def load_authorities(text: bytes, where: object) -> tuple[Certificate, ...]:
    """Take the authorities that a reader trusts out of the text of their PEM file.

    Args:
        text: one certificate or more.
        where: how messages call it.

    Raises:
        InputError: no certificates, or one that is no authority's.
    """
    found = _load(text, where, AN_AUTHORITY)
    for each in found:
        if not _is_authority(each):
            raise InputError(f"{where}: {subject(each)} is no authority; pass the root that issued the signer's")
    return found


def verify_chain(chain: Sequence[Certificate], authorities: Sequence[Certificate]) -> PublicKey:
    """Prove that a trusted authority vouches for a signer; return the signer's key.

    Args:
        chain: the signer's certificate first, each issued by the next, without a root.
        authorities: whom the reader trusts.

    Raises:
        InputError: no authority vouches for it, it is not for signing, or it has not begun.
    """
    leaf, *issuers = chain
    _refuse_use(leaf)
    if leaf.not_valid_before_utc > datetime.now(UTC):
        raise InputError(f"the certificate of {subject(leaf)} begins at {leaf.not_valid_before_utc:%Y-%m-%d} only")
    policy = (
        PolicyBuilder()
        .store(Store(list(authorities)))
        .time(leaf.not_valid_before_utc)
        .max_chain_depth(LONGEST)
        .extension_policies(ca_policy=_issuers(), ee_policy=ExtensionPolicy.permit_all())
    )
    try:
        found = policy.build_client_verifier().verify(leaf, issuers).chain
    except (VerificationError, ValueError) as refused:
        raise InputError(f"no trusted authority vouches for {subject(leaf)}: {_reason(refused)}") from None
    if tuple(found[: len(chain)]) != tuple(chain):
        raise InputError(f"the chain of {subject(leaf)} holds certificates that lead to no trusted authority")
    return leaf_key(chain)


def _issuers() -> ExtensionPolicy:
    """What is asked of each authority, the trusted one too: whoever trusts a root does not take back what it says.

    A root that openssl made has no key usage, and may issue all the same.
    """
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.CRITICAL, None)  # its value is read in any case
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign_certificates)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _may_issue_for_code)
        .may_be_present(x509.NameConstraints, Criticality.AGNOSTIC, _names_what_is_checked)
    )


def _may_sign_certificates(_policy: Policy, _certificate: Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("it was issued by one that may not issue certificates")


def _may_issue_for_code(_policy: Policy, _certificate: Certificate, purposes: x509.ExtendedKeyUsage | None) -> None:
    """An authority for web servers alone speaks for no code. Source: RFC 5280, 4.2.1.12."""
    if purposes is not None and not any(each in purposes for each in _SIGNS):
        raise ValueError("it was issued by one that may not issue for code signing")


def _names_what_is_checked(_policy: Policy, _certificate: Certificate, names: x509.NameConstraints | None) -> None:
    """A constraint that is not critical and not known, as one of subjects, cryptography passes over."""
    every = [*(names.permitted_subtrees or ()), *(names.excluded_subtrees or ())] if names is not None else []
    if not all(isinstance(each, _CHECKED_NAMES) for each in every):
        raise ValueError("it was issued by one whose name constraints cannot be checked here")


def leaf_key(chain: Sequence[Certificate]) -> PublicKey:
    """Return the key of the certificate that a chain begins with.

    Raises:
        InputError: no elliptic-curve key that is read here.
    """
    key = _public_key(chain[0])
    if not isinstance(key, PublicKey) or not curve_of(key):
        raise InputError(f"the certificate of {subject(chain[0])} holds no key on P-256, P-384 or P-521")
    return key


def subject(certificate: Certificate) -> str:
    """Name whom a certificate is for, in one line."""
    return one_line(certificate.subject.rfc4514_string()) or "nobody"


def der(certificate: Certificate) -> bytes:
    """Return a certificate's own bytes."""
    return certificate.public_bytes(Encoding.DER)


def chain_of(chain: Sequence[Certificate]) -> dict[str, Any]:
    """Write a chain as a Sigstore bundle holds it."""
    return {"certificates": [{"rawBytes": base64.b64encode(der(each)).decode("ascii")} for each in chain]}


def load_der(data: bytes, where: str) -> Certificate:
    """Read one certificate.

    Raises:
        InputError: it is none.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            return _whole(x509.load_der_x509_certificate(data))
    except _BROKEN:
        raise InputError(f"{where} is not a certificate that can be read") from None


def _load(text: bytes, where: object, wanted: str) -> tuple[Certificate, ...]:
    if PRIVATE in text:
        raise InputError(f"{where} holds a private key; wanted is {wanted}, and a key stays in a file of its own")
    try:
        with warnings.catch_warnings(action="ignore"):
            return tuple(_whole(each) for each in x509.load_pem_x509_certificates(text))
    except _BROKEN:
        raise InputError(f"{where} is not {wanted} in PEM, or is cut off; ask its issuer for it again") from None


def _public_key(certificate: Certificate) -> object:
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):  # a key of a kind that cryptography does not know
        return None


def _whole(certificate: Certificate) -> Certificate:
    """Read every field once: cryptography reads most of them when they are asked for, and says then what is wrong."""
    for name in ("subject", "issuer", "extensions", "not_valid_before_utc", "not_valid_after_utc", "version"):
        getattr(certificate, name)
    if certificate.serial_number <= 0:  # cryptography only warns, on stderr
        raise ValueError("a serial number is positive (RFC 5280, 4.1.2.2)")
    if not der(certificate).endswith(b"\0" + certificate.signature):  # it may not call zeros at its end unused
        raise ValueError("a signature fills its bytes")
    return certificate


def _refuse_order(chain: Sequence[Certificate], where: str) -> None:
    for each, issuer in pairwise(chain):
        try:
            each.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise InputError(
                f"{where}: {subject(each)} was not issued by {subject(issuer)}, which follows it; "
                "wanted is the signer's certificate first, and each issued by the next"
            ) from None


def _refuse_use(leaf: Certificate) -> None:
    """Refuse a certificate that is for web servers, mail or an authority: its holder need not speak for a model."""
    usage, purposes = _extension(leaf, x509.KeyUsage), _extension(leaf, x509.ExtendedKeyUsage)
    signs = usage is None or usage.digital_signature
    for_code = purposes is None or any(each in purposes for each in _SIGNS)
    if _is_authority(leaf) or not (signs and for_code) or (usage is None and purposes is None):
        raise InputError(
            f"the certificate of {subject(leaf)} is not for signing; wanted is one with digitalSignature, for code "
            "signing where purposes are named, and no authority's"
        )


def _refuse_time(leaf: Certificate, now: datetime) -> None:
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if not begin <= now <= end:
        raise InputError(
            f"the certificate of {subject(leaf)} holds from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and today is "
            f"{now:%Y-%m-%d}; sign under one that holds today"
        )


def _is_authority(certificate: Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _extension(certificate: Certificate, kind: type[Any]) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _reason(refused: Exception) -> str:
    return one_line(str(refused)).partition(" (encountered")[0]
