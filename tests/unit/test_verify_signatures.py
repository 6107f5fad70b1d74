"""A model signature in any form but the one that is written, though the very key made it, is refused."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from potstill.artifacts import SIGNATURE
from potstill.signing.canonical import canonical
from potstill.signing.dsse import envelope_of
from potstill.signing.keys import read_private
from potstill.signing.model_signature import MEDIA_TYPE
from tests.forging import Bundle, Forge, edit


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    return Forge.make(tmp_path_factory.mktemp("signatures"))


def _with_top(**more: Any) -> Callable:
    return lambda bundle, _: edit(bundle, SIGNATURE, lambda body: body.update(more))


def _with_statement(change: Callable[[dict[str, Any]], object]) -> Callable:
    """A statement of another form, signed with the very key."""

    def forged(bundle: Bundle, forge: Forge) -> None:
        body = bundle.json(SIGNATURE)
        statement = json.loads(base64.b64decode(body["dsseEnvelope"]["payload"]))
        change(statement)
        body["dsseEnvelope"] = envelope_of(canonical(statement), read_private(forge.key))
        bundle.write_json(SIGNATURE, body)

    return forged


def _with_envelope(change: Callable[[dict[str, Any]], object]) -> Callable:
    return lambda bundle, _: edit(bundle, SIGNATURE, lambda body: change(body["dsseEnvelope"]))


def _other_half(envelope: dict[str, Any]) -> None:
    """The second signature that mathematics allows: (r, n - s)."""
    r, s = decode_dss_signature(base64.b64decode(envelope["signatures"][0]["sig"]))
    other = encode_dss_signature(r, ec.SECP256R1().group_order - s)
    envelope["signatures"][0]["sig"] = base64.b64encode(other).decode()


SIGNATURES: dict[str, Callable] = {
    "another media type": _with_top(mediaType=MEDIA_TYPE.replace("0.3", "0.2")),
    "a field more": _with_top(more=1),
    "a time that nobody vouches for": _with_top(verificationMaterial={"tlogEntries": [{}], "publicKey": {"hint": "x"}}),
    "another payload type": _with_envelope(lambda it: it.update(payloadType="application/json")),
    "no signature": _with_envelope(lambda it: it.update(signatures=[])),
    "two signatures": _with_envelope(lambda it: it.update(signatures=it["signatures"] * 2)),
    "a key's name": _with_envelope(lambda it: it["signatures"][0].update(keyid="x")),
    "the other half": _with_envelope(_other_half),
    "base64 with a newline": _with_envelope(
        lambda it: it.update(payload=f"{it['payload'][:40]}\n{it['payload'][40:]}")
    ),
    "base64 with a space": _with_envelope(lambda it: it.update(payload=it["payload"] + " ")),
    "links allowed": _with_statement(lambda it: it["predicate"]["serialization"].update(allow_symlinks=True)),
    "paths ignored": _with_statement(lambda it: it["predicate"]["serialization"].update(ignore_paths=["models"])),
    "another method": _with_statement(lambda it: it["predicate"]["serialization"].update(method="shards")),
    "another hash": _with_statement(lambda it: it["predicate"]["resources"][0].update(algorithm="md5")),
    "a file less": _with_statement(lambda it: it["predicate"]["resources"].pop()),
    "a file twice": _with_statement(lambda it: it["predicate"]["resources"].append(it["predicate"]["resources"][0])),
    "another order": _with_statement(lambda it: it["predicate"]["resources"].reverse()),
    "another digest of all": _with_statement(lambda it: it["subject"][0]["digest"].update(sha256="0" * 64)),
    "two subjects": _with_statement(lambda it: it["subject"].append(it["subject"][0])),
    "another predicate": _with_statement(lambda it: it.update(predicateType="https://slsa.dev/provenance/v1")),
    "another statement type": _with_statement(lambda it: it.update(_type="https://in-toto.io/Statement/v0.1")),
    "a number for a name": _with_statement(lambda it: it["subject"][0].update(name=1)),
    "no predicate": _with_statement(lambda it: it.pop("predicate")),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_in_another_form_is_not_accepted(forge, name):
    proof = forge.forged(lambda bundle: SIGNATURES[name](bundle, forge))
    assert not proof.proved
    assert not any("a form that is not read" in line for line in proof.wrong)
