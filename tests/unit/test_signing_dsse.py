"""DSSE envelopes: signed without chance, read in one spelling, and by no other key."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from potstill.errors import InputError
from potstill.signing.canonical import canonical
from potstill.signing.dsse import PAYLOAD_TYPE, envelope, open_envelope, pae
from potstill.signing.keys import CURVES

KEYS = {name: ec.generate_private_key(curve()) for name, curve in CURVES.items()}
KEY = KEYS["P-256"]
PUBLIC = KEY.public_key()
PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'


@pytest.mark.parametrize("curve", CURVES)
@given(payload=st.binary(min_size=1, max_size=200))
@settings(max_examples=20)
def test_an_envelope_opens_and_is_the_same_each_time(curve, payload):
    made = envelope(payload, KEYS[curve])
    assert open_envelope(made, [KEYS[curve].public_key()]) == payload
    assert envelope(payload, KEYS[curve]) == made


def test_the_signature_is_that_of_rfc_6979():
    """Appendix A.2.5: the key, P-256 with SHA-256, message `sample`; through the very call that signs."""
    x = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = ec.derive_private_key(x, ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(b"sample", ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    assert r == 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
    assert s == 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8


def test_what_is_signed_is_the_samples_of_the_specification():
    assert pae(b"hello world") == f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} 11 hello world".encode()


def test_any_reader_of_dsse_finds_the_signature_good():
    made = json.loads(envelope(PAYLOAD, KEY))
    signature = base64.b64decode(made["signatures"][0]["sig"])
    PUBLIC.verify(signature, pae(base64.b64decode(made["payload"])), ec.ECDSA(hashes.SHA256()))
    assert made["payloadType"] == PAYLOAD_TYPE


def test_one_of_several_trusted_keys_is_enough():
    others = [key.public_key() for key in KEYS.values()]
    for key in KEYS.values():
        assert open_envelope(envelope(PAYLOAD, key), others) == PAYLOAD


@pytest.mark.parametrize(
    "keys", [[], [KEYS["P-384"].public_key()], [ec.generate_private_key(ec.SECP256R1()).public_key()]]
)
def test_another_key_opens_nothing(keys):
    with pytest.raises(InputError, match="the envelope is signed by none of the trusted keys"):
        open_envelope(envelope(PAYLOAD, KEY), keys)


def twin(text):
    """The other signature that mathematics allows: (r, n - s)."""
    r, s = decode_dss_signature(base64.b64decode(text))
    return base64.b64encode(encode_dss_signature(r, PUBLIC.curve.group_order - s)).decode()


def changed(**fields):
    made = json.loads(envelope(PAYLOAD, KEY))
    signature = {**made["signatures"][0], **fields.pop("signature", {})}
    return canonical({**made, "signatures": [signature], **fields})


MADE = json.loads(envelope(PAYLOAD, KEY))
SIG = MADE["signatures"][0]["sig"]
CHANGED = {
    "the twin of the signature": (changed(signature={"sig": twin(SIG)}), "signed by none"),
    "another payload": (changed(payload=base64.b64encode(b"{}").decode()), "signed by none"),
    "another type": (changed(payloadType="text/plain"), "another type of payload"),
    "a type that is none": (changed(payloadType=[1]), "another type of payload"),
    "the name of a key": (changed(signature={"keyid": "mine"}), "not an empty keyid and sig"),
    "a further field of the signature": (changed(signature={"cert": ""}), "not an empty keyid and sig"),
    "a further field": (changed(more=1), "is not a DSSE envelope"),
    "two signatures": (changed(signatures=MADE["signatures"] * 2), "not exactly one signature"),
    "no signature": (changed(signatures=[]), "not exactly one signature"),
    "signatures that are none": (changed(signatures="x"), "not exactly one signature"),
    "an empty signature": (changed(signature={"sig": ""}), "sig is not base64, or is empty"),
    "base64 for web addresses": (changed(payload=base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode()), "not base64"),
    "base64 without padding": (changed(payload=MADE["payload"].rstrip("=")), "payload is not base64"),
    "base64 with a line break": (changed(payload=MADE["payload"][:8] + "\n" + MADE["payload"][8:]), "not base64"),
    "base64 with idle bits": (changed(payload=base64.b64encode(b"a").decode().replace("Q=", "R=")), "not base64"),
    "a payload that is a number": (changed(payload=5), "payload is not base64"),
    "no DER": (changed(signature={"sig": base64.b64encode(b"x" * 70).decode()}), "signed by none"),
    "DER with a tail": (
        changed(signature={"sig": base64.b64encode(base64.b64decode(SIG) + b"\0").decode()}),
        "signed by none",
    ),
    "white space": (json.dumps(MADE).encode(), "not canonical JSON"),
    "a line end": (envelope(PAYLOAD, KEY) + b"\n", "not canonical JSON"),
    "a list": (b"[]", "is not a DSSE envelope"),
    "a field twice": (envelope(PAYLOAD, KEY)[:-1] + b',"payload":""}', "stands twice"),
    "nothing": (b"", "strict JSON"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_changed_envelope_is_refused(what):
    data, why = CHANGED[what]
    with pytest.raises(InputError, match=why):
        open_envelope(data, [PUBLIC])


def test_no_bit_of_an_envelope_can_be_flipped():
    made = envelope(PAYLOAD, KEY)
    for place in range(len(made)):
        for bit in range(8):
            flipped = bytearray(made)
            flipped[place] ^= 1 << bit
            with pytest.raises(InputError):
                open_envelope(bytes(flipped), [PUBLIC])


@given(st.integers(1, 2**256), st.integers(1, 2**256))
@settings(max_examples=50)
def test_no_made_up_signature_is_taken(r, s):
    made = changed(signature={"sig": base64.b64encode(encode_dss_signature(r, s)).decode()})
    with pytest.raises(InputError, match="signed by none"):
        open_envelope(made, [PUBLIC])
