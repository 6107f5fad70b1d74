"""All Statements of a release: how each artifact came to be, what validate found, and what follows from it.

They are a pure function of the evidence: signer and auditor make them again, and accept no other bytes.
"""

from collections.abc import Mapping
from typing import Any, Final

from potstill.evidence.evidence import Evidence
from potstill.evidence.index import PASSED
from potstill.evidence.layout import VERDICT, statement_path
from potstill.evidence.manifest import digest_of
from potstill.evidence.provenance import provenance_of, statement
from potstill.signing.canonical import canonical

TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
SUMMARY: Final = "https://slsa.dev/verification_summary/v1"
VERIFIER: Final = "urn:potstill:verifier:release"
SLSA_VERSION: Final = "1.2"
LEVEL: Final = "SLSA_BUILD_LEVEL_1"  # provenance exists and names how it was built; more would need a hosted builder


def statements_of(evidence: Evidence) -> dict[str, bytes]:
    """Make every Statement.

    Args:
        evidence: of a release or a bundle.

    Returns: stem of the file → canonical JSON: provenance of each artifact, ancestors first; then the test result; then
        the verification summary.
    """
    lineage = [evidence.manifests[digest] for digest in evidence.lineage.order]
    made = [(each.made_by["stage"], provenance_of(each, evidence)) for each in lineage]
    made.append(("test-result", test_result_of(evidence)))
    width = max(2, len(str(len(made))))
    found = {f"{place:0{width}}-{name}": canonical(body) for place, (name, body) in enumerate(made)}
    return found | {f"{len(made):0{width}}-vsa": canonical(summary_of(evidence, found))}


def test_result_of(evidence: Evidence) -> dict[str, Any]:
    """What validate found, a test for each budget and model.

    An inconclusive budget is a failed test: of WARNED the specification says "passed with warnings", and nothing here
    was seen to pass.

    Source: github.com/in-toto/attestation, test-result v0.1.
    """
    verdict = evidence.verdict
    predicate = {
        "result": "PASSED" if verdict["verdict"] == PASSED else "FAILED",
        "configuration": [
            {"name": VERDICT, "digest": {"sha256": evidence.verdict_digest}},
            {"name": "report", "digest": {"sha256": evidence.report.digest}},
        ],
        "passedTests": [_test(each) for each in verdict["budgets"] if each["verdict"] == PASSED],
        "warnedTests": [],
        "failedTests": [_test(each) for each in verdict["budgets"] if each["verdict"] != PASSED],
    }
    return statement(list(evidence.models.values()), TEST_RESULT, predicate)


def summary_of(evidence: Evidence, statements: Mapping[str, bytes]) -> dict[str, Any]:
    """What follows from all Statements: that the models meet their policy, or do not.

    A release made by an override is FAILED, with the reason in release.json. The field `timeVerified` is left out: the
    same release would have another digest each time.

    Args:
        evidence: of the release.
        statements: stem → bytes of all that it rests on.

    Source: SLSA v1.2, verification summary.
    """
    index = evidence.index
    passed = index.verdict == PASSED
    limits = digest_of(canonical(evidence.verdict["limits"]))
    predicate = {
        "verifier": {"id": VERIFIER},
        "resourceUri": f"urn:potstill:release:{index.name}@{index.version}",
        "policy": {"uri": f"urn:potstill:budgets:{limits}", "digest": {"sha256": limits}},
        "inputAttestations": [
            {"uri": f"urn:potstill:statement:{statement_path(stem)}", "digest": {"sha256": digest_of(data)}}
            for stem, data in statements.items()
        ],
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": [LEVEL if passed else "FAILED"],
        "slsaVersion": SLSA_VERSION,
    }
    return statement(list(evidence.models.values()), SUMMARY, predicate)


def _test(judgement: Mapping[str, Any]) -> str:
    undecided = " (inconclusive)" if judgement["verdict"] == "inconclusive" else ""
    found = f"{judgement['model']} has {judgement['measured']}, wanted {judgement['wanted']}"
    return f"{judgement['name']}{undecided}: {found}"
