"""Evidence is believed only where all of it agrees: every contradiction is found, and named."""

import json
import shutil

import pytest
import rfc8785

from potstill.artifacts import REPORT, File, expect, parse_manifest, scan
from potstill.errors import ArtifactError, InputError
from potstill.evidence.layout import INDEX, MANIFESTS, SUMMARY, VERDICT, ships_file
from potstill.evidence.manifest import digest_of
from potstill.evidence.reported import origin_of
from potstill.evidence.shipped import refuse_other_files, shipped_files
from potstill.evidence.whole import evidence_of
from tests.released import RESEARCH, make_lineage, make_release


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("whole"), start=RESEARCH)


@pytest.fixture
def copy(released, tmp_path):
    return shutil.copytree(released, tmp_path / "copy")


def change(path, edit):
    """Edit a JSON file in place, canonically."""
    body = json.loads(path.read_bytes())
    edit(body)
    path.write_bytes(rfc8785.dumps(body))


def forge(folder, stage, edit):
    """Change the manifest of a stage, and every digest that names it, down to the index: all of it hangs together."""
    place = folder / MANIFESTS
    changed = {each.stem: json.loads(each.read_bytes()) for each in place.iterdir()}
    renamed = {}
    target = next(digest for digest, body in changed.items() if body["made_by"]["stage"] == stage)
    edit(changed[target])
    for digest in evidence_of(folder).lineage.order:
        body = changed[digest]
        body["inputs"] = {name: renamed.get(each, each) for name, each in body["inputs"].items()}
        data = rfc8785.dumps(body)
        (place / f"{digest}.json").unlink()
        (place / f"{digest_of(data)}.json").write_bytes(data)
        renamed[digest] = digest_of(data)
    for name in (INDEX, VERDICT):
        text = (folder / name).read_text()
        for old, new in renamed.items():
            text = text.replace(old, new)
        (folder / name).write_text(text)
    _tell_lineage(folder)


def _tell_lineage(folder):
    """The report tells the lineage that the manifests have now, where it can still be told."""
    manifests = {each.stem: parse_manifest(each.read_bytes(), each, each) for each in (folder / MANIFESTS).iterdir()}
    report = next(each for each in manifests.values() if each.kind == REPORT)
    summary = json.loads((folder / SUMMARY).read_bytes())
    summary["lineage"] = {name: origin_of(manifests[digest]) for name, digest in report.inputs.items()}
    (folder / SUMMARY).write_text(json.dumps(summary))


def test_the_evidence_of_a_release_is_read_whole(released):
    evidence = evidence_of(released)
    assert evidence.index.name == "headlines"
    assert list(evidence.models) == ["models/coreml", "models/onnx", "models/pytorch"]
    assert evidence.report.made_by["stage"] == "validate"
    assert evidence.images["prune"].startswith("registry.example/potstill/prune@sha256:")
    assert set(evidence.definition) == {"pipeline.yaml", "parameters.json", "requirements.txt", "images.json"}
    assert evidence.release is None
    assert {evidence.manifests[each].made_by["stage"] for each in evidence.lineage.roots} == {
        *("import-data", "import-checkpoint", "definition")
    }


def test_in_a_bundle_the_release_is_apart_from_the_lineage(copy):
    manifest = (copy / "artifact.json").read_bytes()
    (copy / MANIFESTS / f"{digest_of(manifest)}.json").write_bytes(manifest)
    evidence = evidence_of(copy)
    assert evidence.release.digest == digest_of(manifest)
    assert evidence.release.digest not in evidence.manifests


def test_a_forged_manifest_that_hangs_together_is_read(copy):
    """So that what the tests below refuse is refused for what they change, and not for a digest."""
    forge(copy, "distill", lambda body: body["made_by"]["config"].update(recipe="other"))
    assert "other" in str([each.made_by for each in evidence_of(copy).manifests.values()])


FORGED = {
    "distill has the licence": ("distill", lambda body: body["licence"].update(expression="MIT")),
    "(open), its teacher has": ("distill", lambda body: body["licence"].update(use="open")),
    "was made from nothing": ("import-checkpoint", lambda body: body["made_by"].update(stage="distill")),
    "was made from a table that is not sealed": ("tokenize", lambda body: body["inputs"].pop("data")),
    "the report judged none": ("validate", lambda body: body["inputs"].pop("onnx")),
    "has rows 10000, the report has 1": ("validate", lambda body: body["meaning"].update(rows=1)),
    "has final onnx_int8": ("validate", lambda body: body["meaning"].update(final="coreml_int8")),
    "wanted there is onnx/v1": ("onnx-export", lambda body: body.update(kind="coreml/v1")),
    "nothing that is released was made from": ("validate", lambda body: body["inputs"].pop("package")),
    "does not list": ("prune", lambda body: body["made_by"].update(stage="choose-round")),
}


@pytest.mark.parametrize("said", FORGED)
def test_manifests_that_cannot_be_are_refused(copy, said):
    stage, edit = FORGED[said]
    forge(copy, stage, edit)
    with pytest.raises(ArtifactError) as refused:
        evidence_of(copy)
    assert said in str(refused.value)


def edit_index(edit):
    return lambda folder: change(folder / INDEX, edit)


def edit_verdict(edit):
    return lambda folder: change(folder / VERDICT, edit)


def swap(listed):
    listed[0], listed[1] = listed[1], listed[0]


def fail(verdict):
    verdict["budgets"][0]["verdict"] = verdict["verdict"] = "fail"
    verdict["failures"] = ["x"]


CONTRADICTIONS = {
    "lists tokens/v1": edit_index(lambda body: body["artifacts"][3].update(kind="tokens/v1", digest="ab" * 32)),
    "not list each artifact once": edit_index(lambda body: swap(body["artifacts"])),
    "does not list each artifact": edit_index(lambda body: body["artifacts"].append(body["artifacts"][-1])),
    "ships no report": edit_index(lambda body: body["ships"].pop("report")),
    "ships no model": edit_index(lambda body: [body["ships"].pop(each) for each in list(body["ships"])[1:4]]),
    "of which there is no manifest": edit_index(lambda body: body["ships"].update({"models/onnx": "ab" * 32})),
    "its artifacts have": edit_index(lambda body: body["licence"].update(expression="MIT")),
    "its artifacts have Apache-2.0 AND": edit_index(lambda body: body["licence"].update(use="open")),
    "is of report": edit_verdict(lambda body: body.update(report="ab" * 32)),
    "says fail": edit_verdict(fail),
    "has reference": edit_verdict(lambda body: body.update(reference="student")),
    "another licence": edit_verdict(lambda body: body["licence"].update(use="open")),
}


@pytest.mark.parametrize("said", CONTRADICTIONS)
def test_an_index_or_a_verdict_that_contradicts_the_manifests_is_refused(copy, said):
    CONTRADICTIONS[said](copy)
    with pytest.raises(ArtifactError, match="contradicts itself") as refused:
        evidence_of(copy)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_all_contradictions_are_told_at_once(copy):
    change(copy / INDEX, lambda body: body["licence"].update(use="open"))
    change(copy / VERDICT, lambda body: body.update(reference="student"))
    with pytest.raises(ArtifactError, match=r"has reference student.*has the licence"):
        evidence_of(copy)


VERDICTS = {
    "its judgements say": lambda body: body["budgets"][0].update(verdict="fail"),
    "tells 1 failures": lambda body: body["failures"].append("x"),
    "schema": lambda body: body.update(schema="potstill/verdict/v2"),
    "must hold exactly": lambda body: body.pop("limits"),
    "budgets[0].verdict": lambda body: body["budgets"][0].update(verdict="passed"),
    "budgets[1]": lambda body: body["budgets"][1].pop("unit"),
    "rows": lambda body: body.update(rows="all"),
}


@pytest.mark.parametrize("said", VERDICTS)
def test_a_verdict_that_does_not_follow_from_its_judgements_is_refused(copy, said):
    change(copy / VERDICT, VERDICTS[said])
    with pytest.raises(InputError) as refused:
        evidence_of(copy)
    assert said in str(refused.value)


@pytest.mark.parametrize("name", [INDEX, VERDICT, SUMMARY])
def test_what_is_not_there_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"{name} is not there"):
        evidence_of(copy)


def test_a_manifest_under_another_name_is_refused(copy):
    one = min((copy / MANIFESTS).iterdir())
    one.rename(one.with_name(f"{'ab' * 32}.json"))
    with pytest.raises(ArtifactError, match="its name must be that digest"):
        evidence_of(copy)


def test_a_missing_manifest_is_a_hole(copy):
    tokens = next(each for each in evidence_of(copy).manifests.values() if each.kind == "tokens/v1")
    (copy / MANIFESTS / f"{tokens.digest}.json").unlink()
    with pytest.raises(ArtifactError, match="has holes: tokens"):
        evidence_of(copy)


def test_manifests_of_two_releases_are_refused(copy):
    manifest = json.loads((copy / "artifact.json").read_bytes())
    for version in ("1.0.0", "2.0.0"):
        data = rfc8785.dumps({**manifest, "meaning": {"version": version}})
        (copy / MANIFESTS / f"{digest_of(data)}.json").write_bytes(data)
    with pytest.raises(ArtifactError, match="manifests of 2 releases"):
        evidence_of(copy)


def test_no_manifests_at_all_are_refused(copy):
    shutil.rmtree(copy / MANIFESTS)
    with pytest.raises(ArtifactError, match="holds 0 files"):
        evidence_of(copy)


def test_shipped_files_are_those_of_the_manifests(released):
    evidence = evidence_of(released)
    refuse_other_files(evidence, scan(released))
    assert len(list(shipped_files(evidence))) == 3 + 2 * 3 + 3 + 2 + 4


@pytest.mark.parametrize("place", ["models/onnx/model.onnx", "report/summary.json", "evidence/definition/images.json"])
def test_a_changed_file_is_found(released, place):
    found = [File(each.path, each.bytes, "ab" * 32) if each.path == place else each for each in scan(released)]
    with pytest.raises(ArtifactError, match=f"changed {place}"):
        refuse_other_files(evidence_of(released), found)


@pytest.mark.parametrize("place", ["models/x", "models/onnx/more.onnx", "report/more", "evidence/definition/more"])
def test_an_added_file_is_found(released, place):
    with pytest.raises(ArtifactError, match=f"extra {place}"):
        refuse_other_files(evidence_of(released), [*scan(released), File(place, 1, "ab" * 32)])


def test_a_missing_file_is_found(released):
    found = [each for each in scan(released) if each.path != "models/coreml/model.int8.mlpackage/Manifest.json"]
    with pytest.raises(ArtifactError, match=r"missing models/coreml/model\.int8\.mlpackage/Manifest\.json"):
        refuse_other_files(evidence_of(released), found)


def test_rounds_of_a_pruned_checkpoint_are_not_shipped(tmp_path):
    pruned = expect(make_lineage(tmp_path / "run")["pruned"], "checkpoint/v1")
    assert [each.path for each in pruned.files if not ships_file(each.path)] == ["rounds/0/model.safetensors"]
