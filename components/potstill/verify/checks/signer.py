"""Who signed."""

from potstill.signing.keys import curve_of, key_id
from potstill.signing.model_signature import Signed
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved


def _prove(case: Case) -> Proved:
    signed = case.signed
    curve = curve_of(signed.key)
    return Proved(f"Signed by {signed.signer} ({curve}), over {len(signed.files)} files.", details=_key(signed))


def _key(signed: Signed) -> list[str]:
    """The key, where a certificate names somebody else than the key itself."""
    named = key_id(signed.key)
    return [] if named in signed.signer else [f"with the key {named}"]


CHECK = Check("signature", "somebody whom you trust signed this bundle", _prove)
