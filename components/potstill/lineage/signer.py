"""Who signed a bundle, as its signature says: read by the standard library alone, and proved by nothing."""

import re
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

from potstill.artifacts import SIGNATURE
from potstill.errors import PotstillError
from potstill.evidence.reading import read_inside
from potstill.signing.strict_json import read_strict

KEY_ID = re.compile(r"[0-9a-f]{64}")
UNREAD = "by a signature that cannot be read"


def signer_of(folder: Path) -> str:
    """Name the signer of a bundle; empty where nothing is signed.

    Args:
        folder: of a release or a bundle.

    Returns: "by the key …", or "under the certificate of SHA-256 …", in words that end a sentence.
    """
    if not (folder / SIGNATURE).exists():
        return ""
    try:
        return _named(read_strict(read_inside(folder, SIGNATURE), SIGNATURE))
    except (OSError, PotstillError, LookupError, TypeError, ValueError):
        return UNREAD  # whether it is one at all is for verify to say


def _named(signature: Any) -> str:
    material = signature["verificationMaterial"]
    if "publicKey" in material:
        hint = material["publicKey"]["hint"]
        return f"by the key {hint}" if KEY_ID.fullmatch(hint) else UNREAD
    first = material["x509CertificateChain"]["certificates"][0]["rawBytes"]
    return f"under the certificate of SHA-256 {sha256(b64decode(first, validate=True)).hexdigest()}"
