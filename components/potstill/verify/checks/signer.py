"""Who signed."""

from potstill.signing.keys import curve_of, key_id
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved


def _prove(case: Case) -> Proved:
    signed = case.signed
    curve = curve_of(signed.key)
    return Proved(
        f"Signed by {signed.signer}, with the key {key_id(signed.key)} ({curve}), over {len(signed.files)} files."
    )


CHECK = Check("signature", "somebody whom you trust signed this bundle", _prove)
