"""DSSE envelopes: a statement and the signature over it in one file, as in-toto and cosign read them.

Nothing in an envelope can be changed and still be taken: its text is canonical, and of the two signatures that
mathematics allows for one text and key, (r, s) and (r, n - s), only the one with the smaller s is read.

Source: DSSE v1.0.2 (secure-systems-lab/dsse); RFC 6979 for signatures that are the same each time.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from potstill.errors import InputError
from potstill.signing.canonical import canonical
from potstill.signing.keys import PrivateKey, PublicKey, hash_of
from potstill.signing.strict_json import read_strict

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def envelope(payload: bytes, key: PrivateKey) -> bytes:
    """Sign a statement.

    Args:
        payload: the statement's bytes, as its file holds them.
        key: the key to sign with.

    Returns: the envelope, canonical JSON; the same for the same payload and key.

    Raises:
        InputError: OpenSSL here cannot sign without chance.
    """
    return canonical(envelope_of(payload, key))


def open_envelope(data: bytes, keys: Iterable[PublicKey], where: str = "the envelope") -> bytes:
    """Check an envelope, and return what it signs.

    Args:
        data: the envelope's bytes.
        keys: those whose signature is taken.
        where: how messages call it.

    Returns: the payload's bytes.

    Raises:
        InputError: no envelope, or signed by none of the keys.
    """
    parsed = read_strict(data, where)
    if canonical(parsed) != data:
        raise InputError(f"{where} is not canonical JSON; something rewrote it after it was signed")
    payload, signature = parts_of(parsed, where)
    if not any(signed_by(payload, signature, key) for key in keys):
        raise InputError(f"{where} is signed by none of the trusted keys, or was changed after it was signed")
    return payload


def envelope_of(payload: bytes, key: PrivateKey) -> dict[str, Any]:
    """Sign a statement; return the envelope as a mapping."""
    # Without a key's name: cosign takes any but its own notation of one for another key.
    signature = {"keyid": "", "sig": _encode(_sign(pae(payload), key))}
    return {"payload": _encode(payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}


def parts_of(parsed: Any, where: str) -> tuple[bytes, bytes]:
    """Return an envelope's payload and signature, whoever signed.

    Raises:
        InputError: a field is missing, added or of another kind; not one signature; base64 in another spelling.
    """
    if not isinstance(parsed, dict) or sorted(parsed) != ["payload", "payloadType", "signatures"]:
        raise InputError(f"{where} is not a DSSE envelope with payload, payloadType and signatures, and no more")
    if parsed["payloadType"] != PAYLOAD_TYPE:
        raise InputError(f"{where} signs another type of payload; wanted is {PAYLOAD_TYPE}")
    signatures = parsed["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise InputError(f"{where} has not exactly one signature")
    signature = signatures[0]
    if not isinstance(signature, dict) or sorted(signature) != ["keyid", "sig"] or signature["keyid"] != "":
        raise InputError(f"{where}: the signature has not an empty keyid and sig, and no more")
    return decode(parsed["payload"], f"{where}: payload"), decode(signature["sig"], f"{where}: sig")


def signed_by(payload: bytes, signature: bytes, key: PublicKey) -> bool:
    """Tell whether a key signed a payload, and in the one spelling that is taken."""
    try:
        if _small(signature, key.curve) != signature:
            return False
        key.verify(signature, pae(payload), ec.ECDSA(hash_of(key)))
    except (InvalidSignature, ValueError):
        return False
    return True


def pae(payload: bytes) -> bytes:
    """Return what is signed of a payload: its type and its length, too (pre-authentication encoding)."""
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload


def decode(text: Any, where: str) -> bytes:
    """Read base64 as RFC 4648 writes it, and in no other spelling.

    Raises:
        InputError: it is none.
    """
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    if not data or _encode(data) != text:
        raise InputError(f"{where} is not base64, or is empty")
    return data


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _sign(text: bytes, key: PrivateKey) -> bytes:
    try:
        made = key.sign(text, ec.ECDSA(hash_of(key.public_key()), deterministic_signing=True))
    except UnsupportedAlgorithm:
        raise InputError("OpenSSL here cannot sign by RFC 6979; install cryptography's own wheel") from None
    return _small(made, key.curve)


def _small(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    """Spell an ECDSA signature with the smaller s, as DER writes it."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, curve.group_order - s))
