"""Who holds the very key signs what contradicts itself: the signature holds, and the bundle is refused all the same."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from potstill.artifacts import MANIFEST, SIGNATURE
from potstill.evidence.card import banner
from potstill.evidence.index import read_index
from potstill.evidence.layout import (
    ATTESTATIONS,
    BOM,
    CARD,
    CROISSANT,
    FIGURES,
    INDEX,
    PAGE,
    STATEMENTS,
    VERDICT,
    manifest_path,
)
from potstill.evidence.manifest import digest_of
from potstill.signing.canonical import canonical
from potstill.signing.dsse import envelope, envelope_of
from potstill.signing.keys import read_private
from potstill.signing.model_signature import MEDIA_TYPE, statement_of
from tests.forging import (
    Bundle,
    Forge,
    Forgery,
    attest,
    edit,
    mutated,
    paths_in,
    relist,
    remake,
    reseal,
    resign,
    rewrite,
    sampled_fields,
)
from tests.released import RESEARCH

ONNX = "models/onnx/model.int8.onnx"
SUMMARY = "report/summary.json"


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    """The ancestors are for research only, so that there is something to hide."""
    return Forge.make(tmp_path_factory.mktemp("forged"), start=RESEARCH)


def with_key(forge: Forge, repair: Callable[[Bundle, Path], None], change: Callable[[Bundle], object]) -> Callable:
    """Change, repair what can be repaired, and sign with the very key."""

    def forged(bundle: Bundle) -> None:
        change(bundle)
        repair(bundle, forge.key)

    return forged


def test_repairs_alone_are_accepted(forge):
    """Else what follows would be refused for the repair, and not for what was forged."""
    for repair in (resign, reseal, remake):
        assert forge.forged(lambda bundle, repair=repair: repair(bundle, forge.key)).wrong == ()
    renewed = forge.forged(with_key(forge, remake, lambda bundle: rewrite(bundle, _other_seed)))
    assert renewed.wrong == ("figures.json has another lineage than the sealed report",)


def fields_resealed(forge: Forge) -> Iterator[Forgery]:
    """A field of every manifest, statement, envelope and paper; the bundle is sealed and signed again."""
    bundle = Bundle(forge.bundle)
    for name, value in sampled_fields(bundle, each=2, seed=3):
        repair = resign if name == MANIFEST else reseal
        if name != SIGNATURE:
            change = with_key(forge, repair, lambda it, name=name, value=value: it.write_json(name, value))
            yield Forgery(f"field of {name}", change)


def fields_remade(forge: Forge) -> Iterator[Forgery]:
    """Every field of the index, and of the verdict what a sealed file can be held against; all is made again."""
    bundle, dice = Bundle(forge.bundle), random.Random(4)
    for name in (INDEX, VERDICT):
        value = bundle.json(name)
        places = [path for path in paths_in(value) if not _is_unsealed(value, path)]
        for path in dice.sample(places, min(60, len(places))):
            body = mutated(value, path, dice)
            change = with_key(forge, remake, lambda it, name=name, body=body: it.write_json(name, body))
            yield Forgery(f"{name} at {path}", change)


@pytest.mark.parametrize(("family", "least"), [(fields_resealed, 70), (fields_remade, 110)])
def test_a_field_that_was_changed_is_not_accepted(forge, family, least):
    tried, accepted = forge.accepted(family(forge))
    assert accepted == []
    assert tried >= least


CONTRADICTIONS: dict[str, tuple[Callable[[Bundle, Forge], object], str]] = {}


def contradiction(said: str) -> Callable:
    """Register a forgery, and what the verifier must say of it."""

    def register(change: Callable[[Bundle, Forge], object]) -> Callable:
        CONTRADICTIONS[change.__name__.strip("_")] = (change, said)
        return change

    return register


@contradiction("the licence")
def _a_freer_licence_in_the_index(bundle, forge):
    edit(bundle, INDEX, lambda index: index.update(licence={"expression": "Apache-2.0", "use": "open"}))
    _tell_again(bundle)


@contradiction("the licence")
def _a_freer_licence_of_every_descendant(bundle, forge):
    def free(body: dict[str, Any]) -> bool:
        if body["inputs"]:
            body["licence"] = {"expression": "Apache-2.0", "use": "open"}
        return bool(body["inputs"])

    rewrite(bundle, free)
    edit(bundle, INDEX, lambda index: index.update(licence={"expression": "Apache-2.0", "use": "open"}))
    _tell_again(bundle)


@contradiction("README.md does not say first")
def _a_card_without_the_licence(bundle, forge):
    index = read_index(bundle.read(INDEX))
    bundle.write(CARD, bundle.read(CARD).replace(banner(index).encode(), b""))


@contradiction("README.md does not say first")
def _a_card_that_praises_first(bundle, forge):
    text = bundle.read(CARD).decode()
    bundle.write(CARD, f"# The best model\n\nFree for all.\n\n{text}".encode())


@contradiction("was made from nothing")
def _a_student_of_nobody(bundle, forge):
    def cut(body: dict[str, Any]) -> bool:
        student = body["made_by"]["stage"] == "distill"
        body["inputs"] = {} if student else body["inputs"]
        return student

    rewrite(bundle, cut)


@contradiction("the lineage has holes")
def _a_manifest_taken_away(bundle, forge):
    path = bundle.manifest_of("teacher-train")
    bundle.remove(path)
    left = [each for each in bundle.json(INDEX)["artifacts"] if each["digest"] not in path]
    edit(bundle, INDEX, lambda index: index.update(artifacts=left))


@contradiction("the lineage has holes")
def _an_edge_to_nowhere(bundle, forge):
    def lead_away(body: dict[str, Any]) -> bool:
        if body["made_by"]["stage"] == "distill":
            body["inputs"]["teacher"] = "0" * 64
        return body["made_by"]["stage"] == "distill"

    _rename_without_relisting(bundle, lead_away)


@contradiction("nothing that is released was made from")
def _a_manifest_of_another_run(bundle, forge):
    other = Bundle(forge.other)
    for stage in ("import-data", "import-checkpoint"):
        path = other.manifest_of(stage)
        bundle.write(path, other.read(path))
    relist(bundle)


@contradiction("the report judged")
def _models_of_another_run(bundle, forge):
    """All manifests and the files of both runs; the models of the one, the report of the other."""
    other = Bundle(forge.other)
    for name in other.files():
        if name.startswith("models/onnx/") or (name.startswith("evidence/manifests/") and name != other.release):
            bundle.write(name, other.read(name))
    relist(bundle)
    ships = other.json(INDEX)["ships"]["models/onnx"]
    edit(bundle, INDEX, lambda index: index["ships"].update({"models/onnx": ships}))


@contradiction("verdict.json is of report")
def _the_verdict_of_another_run(bundle, forge):
    bundle.write(VERDICT, Bundle(forge.other).read(VERDICT))


@contradiction("has another")
def _figures_of_another_run(bundle, forge):
    bundle.write(FIGURES, Bundle(forge.other).read(FIGURES))


@contradiction("report.html is of another report")
def _the_page_of_another_run(bundle, forge):
    bundle.write(PAGE, Bundle(forge.other).read(PAGE))


@contradiction("is not what was sealed")
def _another_model(bundle, forge):
    bundle.write(ONNX, b"another model")


@contradiction("is not what was sealed")
def _a_model_less(bundle, forge):
    bundle.remove(ONNX)


@contradiction("is not what was sealed")
def _a_model_more(bundle, forge):
    bundle.write("models/onnx/model.evil.onnx", b"x")


@contradiction("the lineage has holes")
def _another_model_with_its_manifest(bundle, forge):
    """The manifest lists the other model, and lies under its own digest; nothing was made from it."""
    bundle.write(ONNX, b"another model")
    path = bundle.manifest_of("onnx-export")
    body = bundle.json(path)
    for file in body["files"]:
        if ONNX.endswith(file["path"]):
            file.update(bytes=13, sha256=digest_of(b"another model"))
    bundle.remove(path)
    bundle.write_json(manifest_path(digest_of(canonical(body))), body)


@contradiction("no part of a bundle")
def _a_script_beside(bundle, forge):
    bundle.write("install.sh", b"#!/bin/sh\n")


@contradiction("no part of a bundle")
def _a_hook(bundle, forge):
    bundle.write(".git/hooks/post-checkout", b"#!/bin/sh\n")


@contradiction("is missing")
def _no_page(bundle, forge):
    bundle.remove(PAGE)


@contradiction("is missing")
def _no_bill_of_materials(bundle, forge):
    bundle.remove(BOM)
    return reseal


@contradiction("bom.cdx.json is not what follows")
def _another_bill_of_materials(bundle, forge):
    edit(bundle, BOM, lambda bom: bom["components"].pop())
    return reseal


@contradiction("croissant.json is not what follows")
def _another_data_sheet(bundle, forge):
    edit(bundle, CROISSANT, lambda sheet: sheet.update(license="https://spdx.org/licenses/MIT"))
    return reseal


@contradiction("its judgements say")
def _a_verdict_against_its_judgements(bundle, forge):
    edit(bundle, VERDICT, lambda verdict: verdict["budgets"][0].update(verdict="fail"))


@contradiction("has another")
def _a_judgement_less(bundle, forge):
    edit(bundle, VERDICT, lambda verdict: verdict["budgets"].pop())


@contradiction("the sealed report has")
def _a_size_that_nobody_measured(bundle, forge):
    _judge(bundle, "max_size_mb", value=0.001)


@contradiction("a pass, at")
def _a_pass_beyond_its_limit(bundle, forge):
    _judge(bundle, "max_latency_p95_ms", value=10_000.0)


@contradiction("asked for was")
def _a_limit_that_nobody_asked_for(bundle, forge):
    _judge(bundle, "max_size_mb", limit=1e9)


@contradiction("is not judged")
def _a_budget_that_was_forgotten(bundle, forge):
    for name in (VERDICT, FIGURES):
        edit(bundle, name, lambda body: body.update(budgets=[e for e in body["budgets"] if e["name"] != "max_size_mb"]))


@contradiction("of which nothing was measured")
def _a_pass_of_nothing(bundle, forge):
    _judge(bundle, "max_latency_p95_ms", value=None)


@contradiction("the sealed report counts")
def _a_bound_below_what_was_lost(bundle, forge):
    _judge(bundle, "max_accuracy_loss", value=-5.0)


@contradiction("must be numbers or null")
def _a_value_that_is_no_number(bundle, forge):
    _judge(bundle, "max_size_mb", value="small")


@contradiction("override must be null")
def _an_override_of_a_pass(bundle, forge):
    edit(bundle, INDEX, lambda index: index.update(override={"reason": "why not"}))


@contradiction("another name than the index")
def _another_name(bundle, forge):
    edit(bundle, INDEX, lambda index: index.update(name="topics"))
    _tell_again(bundle)


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


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_contradicts_itself_is_not_accepted(forge, name):
    change, said = CONTRADICTIONS[name]

    def forged(bundle: Bundle) -> None:
        (change(bundle, forge) or remake)(bundle, forge.key)

    proof = forge.forged(forged)
    signature = next(each for each in proof.findings if each.name == "signature")
    assert signature.proved
    assert any(said in line for line in proof.wrong), proof.wrong
    assert not any("a form that is not read" in line for line in proof.wrong)


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


def _is_unsealed(value: Any, path: tuple[Any, ...]) -> bool:
    """Whether a place of the verdict is a limit of what no sealed file tells, as of time and memory."""
    judged = {each["name"] for each in value.get("budgets", [])}
    return path[0] == "limits" and (len(path) == 1 or path[1] not in judged)


def _other_seed(body: dict[str, Any]) -> bool:
    student = body["made_by"]["stage"] == "distill"
    if student:
        body["made_by"]["config"]["seed"] = 7
    return student


def _rename_without_relisting(bundle: Bundle, change: Callable[[dict[str, Any]], bool]) -> None:
    for name in bundle.files():
        if name.startswith("evidence/manifests/"):
            body = bundle.json(name)
            if change(body):
                bundle.remove(name)
                bundle.write_json(manifest_path(digest_of(canonical(body))), body)


def _tell_again(bundle: Bundle) -> None:
    """Write the card's first words anew, and the licence into both seals."""
    index = read_index(bundle.read(INDEX))
    text = bundle.read(CARD).decode()
    old = text[text.index("**") : text.index("<!-- the release's own")]
    bundle.write(CARD, text.replace(old, banner(index).partition("<!-- the release's own")[0]).encode())
    licence = {"expression": index.licence.expression, "use": index.licence.use}
    for name in (bundle.release, MANIFEST):
        edit(bundle, name, lambda seal: seal.update(licence=licence))


def _judge(bundle: Bundle, budget: str, **other: Any) -> None:
    """Change a judgement in the verdict and in the figures alike."""

    def change(body: dict[str, Any]) -> None:
        next(each for each in body["budgets"] if each["name"] == budget).update(other)

    for name in (VERDICT, FIGURES):
        edit(bundle, name, change)


def _attestation(bundle: Bundle, stem: str) -> str:
    return next(each for each in bundle.files() if each.startswith(ATTESTATIONS) and stem in each)


def _sign(bundle: Bundle, key: Path, name: str) -> None:
    body = bundle.json(SIGNATURE)
    old = json.loads(base64.b64decode(body["dsseEnvelope"]["payload"]))
    digests = {each["name"]: each["digest"] for each in old["predicate"]["resources"]}
    body["dsseEnvelope"] = envelope_of(canonical(statement_of(digests, name)), read_private(key))
    bundle.write_json(SIGNATURE, body)
