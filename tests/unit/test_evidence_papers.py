"""Bill of materials and data sheet: valid by the field's own libraries, complete, and made again by who doubts them."""

import json
import shutil

import mlcroissant
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from potstill.artifacts import scan
from potstill.errors import ArtifactError
from potstill.evidence.layout import BOM, CROISSANT, STATEMENTS
from potstill.evidence.papers import papers_of, refuse_other_papers
from potstill.evidence.whole import evidence_of
from tests.released import RESEARCH, make_lineage, make_release, release_run

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning:rdflib")  # mlcroissant's library
STRICT = JsonStrictValidator(SchemaVersion.V1_6)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("papers"), start=RESEARCH)


@pytest.fixture
def bom(released):
    return json.loads((released / BOM).read_bytes())


@pytest.mark.parametrize("options", [{}, {"start": RESEARCH}, {"definition": False}, {"images": False}], ids=str)
def test_the_bill_is_cyclonedx_by_its_strict_schema(tmp_path, options):
    text = (make_release(tmp_path, **options) / BOM).read_text(encoding="utf-8")
    assert STRICT.validate_str(text) is None


def components(bom, kind):
    return [each for each in bom["components"] if each["type"] == kind]


def test_the_bill_lists_models_data_libraries_and_images(released, bom):
    evidence = evidence_of(released)
    artifacts = components(bom, "machine-learning-model") + components(bom, "data")
    assert sorted(each["version"] for each in artifacts) == sorted(evidence.lineage.order)
    libraries = {each["purl"] for each in components(bom, "library")}
    loaded = {"torch@2.13.0%2Bcpu", "numpy@2.3.5", "transformers@4.57.6", "tokenizers@0.22.2"}
    assert libraries == {f"pkg:pypi/{each}" for each in (*loaded, "tqdm@4.70.1")}
    assert {each["name"] for each in components(bom, "container")} == set(evidence.images.values())


def test_every_shipped_file_stands_in_the_bill_by_its_digest(released, bom):
    listed = {
        each["hashes"][0]["content"]
        for model in components(bom, "machine-learning-model")
        for each in model.get("components", [])
    }
    assert {each.sha256 for each in scan(released) if each.path.startswith("models/")} <= listed


def references(bom):
    inner = [file for each in bom["components"] for file in each.get("components", [])]
    return [each["bom-ref"] for each in [bom["metadata"]["component"], *bom["components"], *inner]]


def test_every_reference_is_one_components_and_leads_to_one(bom):
    known = references(bom)
    assert len(set(known)) == len(known)
    for each in bom["dependencies"]:
        assert {each["ref"], *each["dependsOn"]} <= set(known)


def test_the_bills_dependencies_are_the_edges_of_the_lineage(released, bom):
    depends = {each["ref"]: each["dependsOn"] for each in bom["dependencies"]}
    for parent, _, child in evidence_of(released).lineage.edges:
        assert f"urn:potstill:artifact:{parent}" in depends[f"urn:potstill:artifact:{child}"]


def test_a_models_card_tells_its_data_and_what_was_measured(released, bom):
    evidence = evidence_of(released)
    onnx = next(each for each in components(bom, "machine-learning-model") if each["name"].startswith("onnx-export"))
    card = onnx["modelCard"]
    data = next(each for each in evidence.manifests.values() if each.kind == "dataset/v1")
    assert card["modelParameters"]["datasets"] == [{"ref": f"urn:potstill:artifact:{data.digest}"}]
    metrics = {(each["type"], each["slice"]): each for each in card["quantitativeAnalysis"]["performanceMetrics"]}
    found = metrics["accuracy", "test split, onnx_int8"]
    told = evidence.summary["models"]["onnx_int8"]
    assert float(found["value"]) == told["accuracy"]
    assert float(found["confidenceInterval"]["lowerBound"]) == told["accuracy_low"]
    assert all("coreml" not in place for _, place in metrics)


def test_the_bill_carries_every_licence(released, bom):
    evidence = evidence_of(released)
    for each in components(bom, "machine-learning-model") + components(bom, "data"):
        wanted = evidence.manifests[each["version"]].licence.expression
        assert each["licenses"] == [{"expression": wanted}]
    assert bom["metadata"]["component"]["licenses"] == [{"expression": "Apache-2.0 AND LicenseRef-m3e-research-only"}]


def croissant(folder):
    return mlcroissant.Dataset(jsonld=str(folder / CROISSANT))


def test_the_data_sheet_is_croissant_by_its_own_library(released):
    """Its constructor raises on errors. A date of publication, which it recommends, would not come out twice."""
    issues = croissant(released).metadata.ctx.issues
    assert not issues.errors
    assert {each.partition('Property "')[2].partition('"')[0].rpartition("/")[2] for each in issues.warnings} == {
        *("citeAs", "datePublished")
    }


def test_the_data_sheet_names_each_file_by_its_digest(released):
    data = next(each for each in evidence_of(released).manifests.values() if each.kind == "dataset/v1")
    named = {each.name: each.sha256 for each in croissant(released).metadata.distribution}
    assert named == {each.path: each.sha256 for each in data.files}


def test_the_records_are_read_by_croissants_own_library(tmp_path):
    """Who has the data puts the sheet beside it."""
    run = make_lineage(tmp_path / "run")
    release_run(run, tmp_path / "release")
    shutil.copy(tmp_path / "release" / CROISSANT, tmp_path / "croissant.json")
    shutil.copy(run["data"] / "titles.tsv", tmp_path)
    sheet = mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json"))
    (records,) = sheet.metadata.record_sets
    row = next(iter(sheet.records(records.uuid)))
    label, text = (each.decode() for name, each in sorted(row.items()))
    assert (label, text) == ("体育", "国足一比零 0")


def test_papers_that_follow_from_the_evidence_are_accepted(released):
    assert refuse_other_papers(evidence_of(released)) == papers_of(evidence_of(released))


@pytest.fixture
def copy(released, tmp_path):
    return shutil.copytree(released, tmp_path / "copy")


PLACES = [BOM, CROISSANT, f"{STATEMENTS}/01-import-checkpoint.json"]


@pytest.mark.parametrize("place", PLACES)
def test_a_changed_paper_is_refused(copy, place):
    (copy / place).write_bytes((copy / place).read_bytes() + b"\n")
    with pytest.raises(ArtifactError, match=f"changed {place}"):
        refuse_other_papers(evidence_of(copy))


@pytest.mark.parametrize("place", PLACES)
def test_a_missing_paper_is_refused(copy, place):
    (copy / place).unlink()
    with pytest.raises(ArtifactError, match=f"missing {place}"):
        refuse_other_papers(evidence_of(copy))


def test_a_statement_that_nobody_would_make_is_refused(copy):
    (copy / STATEMENTS / "99-vsa.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"extra evidence/statements/99-vsa\.json"):
        refuse_other_papers(evidence_of(copy))
