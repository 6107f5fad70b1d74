"""Contradictions that the very key may be put under: of licence, lineage, files, papers and verdict."""

from collections.abc import Callable, Mapping
from typing import Any

from potstill.artifacts import MANIFEST
from potstill.evidence.card import banner
from potstill.evidence.index import read_index
from potstill.evidence.layout import BOM, CARD, CROISSANT, FIGURES, INDEX, PAGE, VERDICT, manifest_path
from potstill.evidence.manifest import digest_of
from potstill.signing.canonical import canonical
from tests.forging import Bundle, Forge, edit, relist, reseal, rewrite

Change = Callable[[dict[str, Any]], object]
ONNX = "models/onnx/model.int8.onnx"
CONTRADICTIONS: dict[str, tuple[Callable[[Bundle, Forge], object], str]] = {}


def contradiction(said: str) -> Callable:
    """Register a forgery, and what the verifier must say of it."""

    def register(change: Callable[[Bundle, Forge], object]) -> Callable:
        CONTRADICTIONS[change.__name__.strip("_")] = (change, said)
        return change

    return register


def register_all(table: Mapping[str, tuple[str, Change]], carry_out: Callable[[Bundle, Change], object]) -> None:
    """Register forgeries that differ in one change: name → what the verifier must say, and the change."""
    for name, (said, change) in table.items():
        CONTRADICTIONS[name] = (lambda bundle, _, change=change: carry_out(bundle, change), said)


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


@contradiction("licence must be an SPDX expression")
def _a_licence_that_is_no_expression(bundle, forge):
    def loose(body: dict[str, Any]) -> bool:
        if body["made_by"]["stage"] == "import-data":
            body["licence"]["expression"] = "free for all, see LICENSE"
        return body["made_by"]["stage"] == "import-data"

    _rename_without_relisting(bundle, loose)


@contradiction("the licence")
def _a_choice_that_undoes_the_terms_of_others(bundle, forge):
    """AND binds tighter than OR: who may choose MIT needs no other term."""

    def choose(body: dict[str, Any]) -> bool:
        if body["inputs"]:
            body["licence"]["expression"] += " OR MIT"
        return bool(body["inputs"])

    rewrite(bundle, choose)
    edit(bundle, INDEX, lambda index: index["licence"].update(expression=f"{index['licence']['expression']} OR MIT"))
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
