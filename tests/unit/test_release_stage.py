"""The stage release: what goes in comes out byte for byte, with its evidence; what does not fit together does not."""

import json
import shutil

import pytest

from potstill.artifacts import MANIFEST, REPORT, File, expect, read_manifest, scan, seal
from potstill.errors import ArtifactError, InputError, OptionError
from potstill.evidence.layout import CARD, FIGURES, INDEX, MANIFESTS, PAGE, VERDICT
from potstill.evidence.manifest import digest_of
from potstill.evidence.papers import refuse_other_papers
from potstill.evidence.shipped import refuse_other_files
from potstill.evidence.whole import evidence_of
from potstill.release import ReleaseConfig, inputs, judged_again, release_model
from potstill.release.copying import refuse_strange_names
from potstill.validate.card import CARD_MARK
from potstill.validate.figures import BESIDES
from potstill.validate.report import TITLE
from tests.released import (
    FURTHER,
    RESEARCH,
    TOO_STRICT,
    UNDECIDED,
    made_by,
    make_lineage,
    release_inputs,
    release_run,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_lineage(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def run(made, tmp_path):
    """A copy that may be broken."""
    root = shutil.copytree(made["report"].parent, tmp_path / "run")
    return {name: root / path.name for name, path in made.items()}


def test_a_release_is_sealed_whole_and_its_evidence_holds(run, tmp_path):
    measures = release_run(run, tmp_path / "release")
    sealed = expect(tmp_path / "release", "release/v1")
    evidence = evidence_of(tmp_path / "release")
    refuse_other_files(evidence, sealed.files)
    refuse_other_papers(evidence)
    assert measures == {"artifacts": 12, "files": len(sealed.files), "bytes": sealed.bytes, "passed": 1}


def test_models_report_and_papers_are_carried_byte_for_byte(run, tmp_path):
    release_run(run, tmp_path / "release")
    folders = {"models/onnx": "onnx", "models/coreml": "package", "models/pytorch": "quantized", "report": "report"}
    for folder, name in folders.items():
        for file in read_manifest(run[name]).files:
            assert (tmp_path / "release" / folder / file.path).read_bytes() == (run[name] / file.path).read_bytes()
    for place, name in {VERDICT: "judgement", FIGURES: "figures", PAGE: "page"}.items():
        assert (tmp_path / "release" / place).read_bytes() == run[name].read_bytes()


def test_every_manifest_of_the_lineage_is_carried_under_its_digest(run, tmp_path):
    release_run(run, tmp_path / "release")
    wanted = {(path / MANIFEST).read_bytes() for path in run.values() if path.is_dir()}
    found = {each.stem: each.read_bytes() for each in (tmp_path / "release" / MANIFESTS).iterdir()}
    assert set(found.values()) == wanted
    assert all(digest_of(data) == name for name, data in found.items())


def test_the_same_model_gives_the_same_release_whatever_the_order_of_its_ancestors(run, tmp_path):
    given = release_inputs(run)
    config = ReleaseConfig(release_name="headlines", version="1.0.0")
    digests = set()
    for place, ancestors in enumerate(
        (given["ancestors"], given["ancestors"][::-1], (*given["ancestors"], run["onnx"]))
    ):
        release_model(**{**given, "ancestors": ancestors}, released=tmp_path / str(place), config=config)
        digests.add(read_manifest(tmp_path / str(place)).digest)
    assert len(digests) == 1


def test_another_name_is_another_release(run, tmp_path):
    for version in ("1.0.0", "1.0.1"):
        release_run(run, tmp_path / version, version=version)
    one, other = (read_manifest(tmp_path / version) for version in ("1.0.0", "1.0.1"))
    assert one.digest != other.digest


@pytest.mark.parametrize("missing", FURTHER)
def test_an_ancestor_that_is_not_given_is_named_by_who_reads_it(run, tmp_path, missing):
    digest = read_manifest(run[missing]).digest
    given = release_inputs(run)
    given["ancestors"] = tuple(each for each in given["ancestors"] if each != run[missing])
    with pytest.raises(ArtifactError, match=rf"the lineage has holes: .*{digest} of ") as refused:
        release_model(**given, released=tmp_path / "release", config=ReleaseConfig(release_name="x", version="1.0.0"))
    assert "give these artifacts" in str(refused.value)
    assert not (tmp_path / "release").exists()


@pytest.mark.parametrize("left_out", ["onnx", "package"])
def test_a_format_that_the_report_judged_is_part_of_the_lineage(run, tmp_path, left_out):
    with pytest.raises(ArtifactError, match=f"{left_out} [0-9a-f]{{64}} of validate"):
        release_model(
            **{**release_inputs(run), left_out: None},
            released=tmp_path / "release",
            config=ReleaseConfig(release_name="x", version="1.0.0"),
        )


def test_a_format_may_be_an_ancestor_alone(run, tmp_path):
    given = release_inputs(run)
    given |= {"package": None, "ancestors": (*given["ancestors"], run["package"])}
    release_model(**given, released=tmp_path / "release", config=ReleaseConfig(release_name="x", version="1.0.0"))
    assert set(evidence_of(tmp_path / "release").models) == {"models/onnx", "models/pytorch"}


def test_what_nobody_was_made_from_is_refused(run, tmp_path):
    strange = make_lineage(tmp_path / "other", variant=1)["data"]
    given = release_inputs(run)
    given["ancestors"] = (*given["ancestors"], strange)
    with pytest.raises(ArtifactError, match="nothing that is released was made from dataset/v1"):
        release_model(**given, released=tmp_path / "release", config=ReleaseConfig(release_name="x", version="1.0.0"))
    assert not (tmp_path / "release").exists()


def test_a_changed_ancestor_is_refused(run, tmp_path):
    (run["teacher"] / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ArtifactError, match=r"changed model\.safetensors"):
        release_run(run, tmp_path / "release")


def test_a_release_is_nobodys_ancestor(run, tmp_path):
    release_run(run, tmp_path / "first")
    given = release_inputs(run)
    given["ancestors"] = (*given["ancestors"], tmp_path / "first")
    with pytest.raises(ArtifactError, match=r"holds release/v1; wanted is"):
        release_model(**given, released=tmp_path / "second", config=ReleaseConfig(release_name="x", version="1.0.0"))


def test_models_of_another_run_are_refused(run, tmp_path):
    other = make_lineage(tmp_path / "other", variant=1)
    with pytest.raises(ArtifactError, match="holes"):
        release_run({**run, "onnx": other["onnx"]}, tmp_path / "release")


def test_a_model_that_the_report_did_not_judge_is_refused(run, tmp_path):
    """Though it is of the lineage: the pruned checkpoint in place of the quantised one."""
    given = release_inputs({**run, "quantized": run["pruned"]})
    given["ancestors"] = (*given["ancestors"], run["quantized"])
    with pytest.raises(ArtifactError, match=r"models/pytorch is [0-9a-f]{64}, the report judged"):
        release_model(**given, released=tmp_path / "release", config=ReleaseConfig(release_name="x", version="1.0.0"))


@pytest.mark.parametrize(("asked", "shipped"), [("onnx", 1), ("onnx,coreml", 2), ("pytorch, onnx", 2), ("", 3)])
def test_only_the_formats_that_are_asked_for_are_shipped(run, tmp_path, asked, shipped):
    release_run(run, tmp_path / "release", formats=asked)
    evidence = evidence_of(tmp_path / "release")
    assert len(evidence.models) == shipped
    assert len(evidence.manifests) == 12


def test_the_model_that_the_verdict_is_about_must_ship(run, tmp_path):
    with pytest.raises(OptionError, match=r"the verdict is about onnx_int8, and formats coreml leaves it out"):
        release_run(run, tmp_path / "release", formats="coreml")


def test_a_format_that_is_not_given_cannot_be_asked_for(run, tmp_path):
    given = release_inputs(run)
    given |= {"package": None, "ancestors": (*given["ancestors"], run["package"])}
    config = ReleaseConfig(release_name="x", version="1.0.0", formats="onnx,coreml")
    with pytest.raises(OptionError, match="formats asks for coreml, which are not given; pass --package"):
        release_model(**given, released=tmp_path / "release", config=config)


@pytest.mark.parametrize("budgets", [TOO_STRICT, UNDECIDED])
def test_what_did_not_pass_is_not_released_without_a_reason(tmp_path, budgets):
    run = make_lineage(tmp_path / "run", budgets=budgets)
    with pytest.raises(OptionError, match="which is not released: max_") as refused:
        release_run(run, tmp_path / "release")
    assert "--override" in str(refused.value)
    assert not (tmp_path / "release").exists()


@pytest.mark.parametrize(("budgets", "verdict"), [(TOO_STRICT, "fail"), (UNDECIDED, "inconclusive")])
def test_an_override_is_recorded_everywhere(tmp_path, budgets, verdict):
    run = make_lineage(tmp_path / "run", budgets=budgets)
    measures = release_run(run, tmp_path / "release", override="the old one harms")
    index = json.loads((tmp_path / "release" / INDEX).read_bytes())
    assert (index["verdict"], index["override"]) == (verdict, {"reason": "the old one harms"})
    assert measures["passed"] == 0
    assert read_manifest(tmp_path / "release").meaning["override"] == "the old one harms"
    assert f"**OVERRIDE: the verdict is {verdict}" in (tmp_path / "release" / CARD).read_text()


def test_a_pass_takes_no_override(run, tmp_path):
    with pytest.raises(OptionError, match="nothing to override"):
        release_run(run, tmp_path / "release", override="to be sure")


def test_a_research_only_ancestor_makes_a_research_only_release_said_first(tmp_path):
    run = make_lineage(tmp_path / "run", start=RESEARCH)
    release_run(run, tmp_path / "release")
    card = (tmp_path / "release" / CARD).read_text(encoding="utf-8")
    assert card.partition("\n---\n")[2].lstrip().startswith("**RESEARCH ONLY")
    assert evidence_of(tmp_path / "release").index.licence.use == "research-only"
    assert read_manifest(tmp_path / "release").licence.use == "research-only"
    assert card.endswith(run["card"].read_text(encoding="utf-8").partition("\n---\n")[2].lstrip())


@pytest.mark.parametrize("name", ["judgement", "figures", "page", "card"])
def test_papers_of_another_report_are_refused(run, tmp_path, name):
    other = make_lineage(tmp_path / "other", variant=1)
    with pytest.raises(InputError, match=rf"{name} .* of another report than .*, whose digest is"):
        release_run({**run, name: other[name]}, tmp_path / "release")


@pytest.mark.parametrize("name", ["judgement", "figures", "page", "card"])
def test_a_paper_that_is_not_there_is_named(run, tmp_path, name):
    run[name].unlink()
    with pytest.raises(InputError, match=f"{name} .*cannot be read"):
        release_run(run, tmp_path / "release")


@pytest.mark.parametrize("name", ["page", "card"])
def test_what_validate_did_not_write_is_refused(run, tmp_path, name):
    digest = expect(run["report"], "report/v1").digest
    run[name].write_text(f"<h1>Certified</h1><script src=http://x.invalid></script><!-- {digest} -->\n")
    with pytest.raises(InputError, match=f"{name} .*not written by validate"):
        release_run(run, tmp_path / "release")


def test_the_marks_are_those_of_validate():
    assert (inputs.CARD_END, inputs.PAGE_TITLE) == (CARD_MARK, TITLE)
    assert judged_again.BESIDES == BESIDES


def test_a_verdict_without_a_judgement_is_refused(run, tmp_path):
    for name in ("judgement", "figures"):
        edit(run[name], lambda body: body.update(budgets=[], failures=[], verdict="pass"))
    with pytest.raises(InputError, match="no judgement; give validate at least one budget"):
        release_run(run, tmp_path / "release")


@pytest.mark.parametrize("name", ["CON", "model.onnx.", "MODEL.onnx", "a\u2028b", "model.onnx\ufe0f"])
def test_names_that_nobody_can_verify_are_refused(tmp_path, name):
    run = make_lineage(tmp_path / "run")
    files = scan(run["onnx"])
    with pytest.raises(ArtifactError, match="the release would hold") as refused:
        refuse_strange_names([*files, File(name, 1, "ab" * 32)])
    assert "\n" not in str(refused.value)


def edit(path, change):
    body = json.loads(path.read_text(encoding="utf-8"))
    change(body)
    path.write_text(json.dumps(body), encoding="utf-8")


def loosen(verdict):
    """The forger's way: another limit, and a pass by it."""
    verdict["limits"]["max_size_mb"] = 50.0
    verdict["budgets"] = [each | {"verdict": "pass", "limit": 50.0, "advice": ""} for each in verdict["budgets"]]
    verdict |= {"verdict": "pass", "failures": []}


def soften(verdict):
    for each in verdict["budgets"]:
        each["verdict"] = "pass"
    verdict |= {"verdict": "pass", "failures": []}


def forget(verdict):
    verdict["budgets"] = [each for each in verdict["budgets"] if each["verdict"] == "pass"]
    verdict |= {"verdict": "pass", "failures": []}


@pytest.mark.parametrize("change", [soften, forget, loosen])
def test_a_verdict_that_was_made_better_by_hand_is_found_out(tmp_path, change):
    run = make_lineage(tmp_path / "run", budgets=TOO_STRICT)
    edit(run["judgement"], change)
    with pytest.raises(InputError, match="the verdict does not follow from the figures"):
        release_run(run, tmp_path / "release")


def test_a_verdict_and_figures_that_agree_are_held_against_the_sealed_report(tmp_path):
    run = make_lineage(tmp_path / "run", budgets=TOO_STRICT)
    edit(run["judgement"], soften)
    edit(run["figures"], lambda body: body["models"]["onnx_int8"].update(bytes=1000))
    with pytest.raises(InputError, match="figures differ from the sealed report in models"):
        release_run(run, tmp_path / "release")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("judgement", lambda body: body["budgets"][0].update(value=0.0)),
        ("judgement", lambda body: body["budgets"][0].update(measured="nothing")),
        ("judgement", lambda body: body["budgets"].pop()),
        ("judgement", lambda body: body["limits"].update(max_ece=0.5)),
        ("judgement", lambda body: body.update(confidence=0.5)),
        ("figures", lambda body: body.update(verdict="fail")),
        ("figures", lambda body: body["latency"]["models"]["onnx_int8"].update(p95_ms=900.0)),
        ("figures", lambda body: body["footprint"]["models"]["onnx_int8"].update(added_mb=900.0)),
        ("figures", lambda body: body["budgets"].pop()),
    ],
)
def test_a_verdict_is_judged_again_from_the_figures(run, tmp_path, name, change):
    edit(run[name], change)
    with pytest.raises(InputError, match="does not follow from the figures"):
        release_run(run, tmp_path / "release")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("judgement", lambda body: body["limits"].update(max_ece="much"), "cannot be judged again"),
        ("figures", lambda body: body["latency"].update(models={"onnx_int8": "fast"}), "cannot be judged again"),
        ("figures", lambda body: body["latency"].update(models={}), "it has 20 judgements, the figures give 18"),
        ("figures", lambda body: body.pop("latency"), "missing or extra: 'latency'"),
        ("figures", lambda body: body.update(certified=True), "missing or extra: 'certified'"),
        ("figures", lambda body: body.pop("models"), "differ from the sealed report in models"),
        ("judgement", lambda body: body.update(verdict="fine"), "verdict must be one of"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line(run, tmp_path, name, change, said):
    edit(run[name], change)
    with pytest.raises(InputError, match=said) as refused:
        release_run(run, tmp_path / "release")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "budgets", ["max_cold_start_ms: 100", "min_accuracy: 0.5\nmax_size_mb: null", "beat_tfidf: false"]
)
def test_budgets_of_every_kind_are_judged_again_alike(tmp_path, budgets):
    run = make_lineage(tmp_path / "run", budgets=budgets)
    assert release_run(run, tmp_path / "release")["passed"] == 1


def test_a_budget_that_was_asked_for_and_not_measured_fails_again(tmp_path):
    """A default that nothing was measured for is left out; one that the file names has failed."""
    run = make_lineage(tmp_path / "run", budgets="min_accuracy: 0.99")
    release_run(run, tmp_path / "release", override="known")
    assert evidence_of(tmp_path / "release").index.verdict == "fail"


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff", b'{"a":1,"a":2}'])
@pytest.mark.parametrize("name", ["judgement", "figures", "card"])
def test_papers_that_cannot_be_read_are_refused_in_one_line(run, tmp_path, name, text):
    digest = read_manifest(run["report"]).digest.encode()
    run[name].write_bytes(text if name == "card" else b'"' + digest + b'"' + text)
    with pytest.raises(InputError) as refused:
        release_run(run, tmp_path / "release")
    assert "\n" not in str(refused.value)


def test_tokens_of_a_table_that_is_not_sealed_are_no_lineage(run, tmp_path):
    """Then nobody could say which texts the model was made from."""
    place = tmp_path / "raw"
    place.mkdir()
    (place / "train.parquet").write_bytes(b"x")
    start = expect(run["start"], "checkpoint/v1")
    raw = seal(place, "tokens/v1", made_by("tokenize", {}), {"start": start}, {})
    report = tmp_path / "report"
    shutil.copytree(run["report"], report)
    (report / MANIFEST).unlink()
    known = expect(run["report"], REPORT)
    read = {
        name: expect(
            run["quantized" if name == "model" else name],
            *{read_manifest(run["quantized" if name == "model" else name]).kind},
        )
        for name in known.inputs
    }
    sealed = seal(report, REPORT, known.made_by, {**read, "tokens": raw}, known.meaning)
    for name in ("judgement", "figures", "page", "card"):
        run[name].write_text(
            run[name].read_text(encoding="utf-8").replace(known.digest, sealed.digest), encoding="utf-8"
        )
    given = {**release_inputs({**run, "report": report})}
    given["ancestors"] = (*given["ancestors"], place)
    with pytest.raises(ArtifactError, match="was made from a table that is not sealed; import the data first"):
        release_model(**given, released=tmp_path / "release", config=ReleaseConfig(release_name="x", version="1.0.0"))


def test_what_stands_in_the_way_is_not_overwritten(run, tmp_path):
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "mine.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="files that potstill did not write"):
        release_run(run, tmp_path / "release")
    assert (tmp_path / "release" / "mine.txt").read_text() == "mine"


def test_a_release_is_made_again_in_its_own_place(run, tmp_path):
    for _ in range(2):
        release_run(run, tmp_path / "release")
    assert expect(tmp_path / "release", "release/v1").meaning["name"] == "headlines"
