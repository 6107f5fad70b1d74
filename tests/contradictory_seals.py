"""Contradictions that the very key may be put under: of seals, attestations, and texts that no reader reads alike."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from potstill.artifacts import MANIFEST, SIGNATURE
from potstill.evidence.layout import ATTESTATIONS, FIGURES, INDEX, STATEMENTS, VERDICT
from potstill.evidence.manifest import digest_of
from potstill.signing.canonical import canonical
from potstill.signing.dsse import envelope, envelope_of
from potstill.signing.keys import read_private
from potstill.signing.model_signature import statement_of
from tests.contradictions import contradiction
from tests.forging import Bundle, Forge, attest, edit, reseal, resign


@contradiction("the signature calls the bundle")
def _another_name_in_the_signature(bundle, forge):
    return lambda it, key: _sign(it, key, name="topics-9.9.9")


@contradiction("holds manifests of 2 releases")
def _two_releases(bundle, forge):
    other = Bundle(forge.other)
    bundle.write(other.release, other.read(other.release))
    return reseal


@contradiction("no manifest of the release")
def _no_release(bundle, forge):
    bundle.remove(bundle.release)
    return reseal


@contradiction("the release here is")
def _made_from_another_release(bundle, forge):
    edit(bundle, MANIFEST, lambda seal: seal.update(inputs={"release": "0" * 64}))
    return reseal


@contradiction("wanted is a release alone")
def _made_from_more(bundle, forge):
    edit(bundle, MANIFEST, lambda seal: seal["inputs"].update(report="0" * 64))
    return reseal


@contradiction("wanted is bundle/v1")
def _of_another_kind(bundle, forge):
    edit(bundle, MANIFEST, lambda seal: seal.update(kind="release/v1"))
    return resign


@contradiction("wanted is sign")
def _sealed_by_another_stage(bundle, forge):
    edit(bundle, MANIFEST, lambda seal: seal["made_by"].update(stage="validate"))
    return resign


@contradiction("the bundle's seal does not list")
def _a_seal_with_a_file_less(bundle, forge):
    edit(bundle, MANIFEST, lambda seal: seal["files"].pop())
    return resign


@contradiction("the bundle's seal lists")
def _a_seal_with_a_file_more(bundle, forge):
    more = {"path": "zzz", "bytes": 0, "sha256": digest_of(b"")}
    edit(bundle, MANIFEST, lambda seal: seal["files"].append(more))
    return resign


@contradiction("is signed by none of the trusted keys")
def _attestations_of_a_stranger(bundle, forge):
    attest(bundle, forge.stranger)
    return reseal


@contradiction("is missing")
def _an_attestation_less(bundle, forge):
    bundle.remove(_attestation(bundle, "vsa"))
    return reseal


@contradiction("does not follow from the manifests")
def _an_attestation_more(bundle, forge):
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x", "predicate": {}}
    bundle.write(f"{ATTESTATIONS}/99-x.intoto.json", envelope(canonical(statement), read_private(forge.key)))
    return reseal


@contradiction("its statement is not what follows")
def _attestations_in_each_others_place(bundle, forge):
    one, other = _attestation(bundle, "vsa"), _attestation(bundle, "test-result")
    first, second = bundle.read(one), bundle.read(other)
    bundle.write(one, second)
    bundle.write(other, first)
    return reseal


@contradiction("its statement is not what follows")
def _an_attestation_of_another_release(bundle, forge):
    name = _attestation(bundle, "vsa")
    bundle.write(name, Bundle(forge.other).read(name))
    return reseal


def _restated(bundle: Bundle, forge: Forge, stem: str, change: Callable[[Any], object]) -> Callable:
    """Change a statement, in evidence and attestation alike."""
    name = next(each for each in bundle.files() if each.startswith(STATEMENTS) and stem in each)
    edit(bundle, name, change)
    attest(bundle, forge.key)
    return reseal


@contradiction("is not what follows from the manifests")
def _another_predicate(bundle, forge):
    return _restated(bundle, forge, "vsa", lambda it: it.update(predicateType="https://slsa.dev/provenance/v1"))


@contradiction("is not what follows from the manifests")
def _another_subject(bundle, forge):
    return _restated(bundle, forge, "vsa", lambda it: it["subject"][0]["digest"].update(sha256="0" * 64))


@contradiction("is not what follows from the manifests")
def _a_higher_level(bundle, forge):
    return _restated(bundle, forge, "vsa", lambda it: it["predicate"].update(verifiedLevels=["SLSA_BUILD_LEVEL_3"]))


@contradiction("is not what follows from the manifests")
def _another_builder(bundle, forge):
    other = {"builder": {"id": "urn:other"}}
    return _restated(bundle, forge, "distill", lambda it: it["predicate"].update(runDetails=other))


@contradiction("is not what follows from the manifests")
def _a_dependency_less(bundle, forge):
    return _restated(
        bundle, forge, "distill", lambda it: it["predicate"]["buildDefinition"]["resolvedDependencies"].pop()
    )


@contradiction("stands twice")
def _a_name_twice(bundle, forge):
    bundle.write(INDEX, bundle.read(INDEX).replace(b'{"artifacts"', b'{"verdict":"pass","artifacts"', 1))


@contradiction("nested deeper")
def _json_of_any_depth(bundle, forge):
    bundle.write(INDEX, b"[" * 200_000 + b"]" * 200_000)


@contradiction("cannot be read as strict JSON")
def _a_number_of_any_length(bundle, forge):
    bundle.write(INDEX, b'{"version":' + b"9" * 10_000 + b"}")


@contradiction("no number of JSON")
def _not_a_number(bundle, forge):
    bundle.write(FIGURES, bundle.read(FIGURES).replace(b'"rows": 10000', b'"rows": NaN', 1))


@contradiction("not UTF-8")
def _not_utf8(bundle, forge):
    bundle.write(VERDICT, b'{"verdict":"\xff"}')


@contradiction("not canonical JSON")
def _an_index_with_spaces(bundle, forge):
    bundle.write(INDEX, json.dumps(bundle.json(INDEX)).encode())


@contradiction("must be an object")
def _figures_that_are_a_list(bundle, forge):
    bundle.write(FIGURES, b"[]")


def _attestation(bundle: Bundle, stem: str) -> str:
    return next(each for each in bundle.files() if each.startswith(ATTESTATIONS) and stem in each)


def _sign(bundle: Bundle, key: Path, name: str) -> None:
    body = bundle.json(SIGNATURE)
    old = json.loads(base64.b64decode(body["dsseEnvelope"]["payload"]))
    digests = {each["name"]: each["digest"] for each in old["predicate"]["resources"]}
    body["dsseEnvelope"] = envelope_of(canonical(statement_of(digests, name)), read_private(key))
    bundle.write_json(SIGNATURE, body)
