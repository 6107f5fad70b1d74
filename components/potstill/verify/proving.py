"""All checks of a bundle, in the order in which they rest on one another."""

from pathlib import Path
from typing import Any

from potstill.errors import PotstillError
from potstill.one_line import one_line
from potstill.signing.trust import Trusted, read_trusted
from potstill.verify.case import Case, bundle_digest
from potstill.verify.checks import (
    closed_set,
    licence,
    lineage,
    manifests,
    papers,
    policy,
    seals,
    shipped,
    signer,
    statements,
    verdict,
)
from potstill.verify.policy import Policy
from potstill.verify.proof import Proof

__all__ = ["CHECKS", "read_trusted", "verify_bundle"]
CHECKS = tuple(
    each.CHECK
    for each in (
        signer,
        closed_set,
        manifests,
        lineage,
        seals,
        shipped,
        statements,
        licence,
        verdict,
        papers,
        policy,
    )
)


def verify_bundle(folder: Path, trusted: Trusted, policy: Policy | None = None) -> Proof:
    """Prove what a signed bundle is, offline, trusting nothing in it but what a trusted signature covers.

    Args:
        folder: the bundle.
        trusted: whose signature is taken.
        policy: what is asked besides; without one, a verdict that is a pass and that nobody overrode.

    Returns: all findings: what is proved, and all that is wrong.
    """
    case = Case(folder, trusted, policy or Policy())
    findings = tuple(check.find(case) for check in CHECKS)
    return Proof(one_line(str(folder)), _release(case), findings, case.listing.files)


def _release(case: Case) -> dict[str, Any]:
    """Name the release, as it names itself; nothing where it cannot be read."""
    try:
        index = case.index
        return {
            "name": index.name,
            "version": index.version,
            "digest": bundle_digest(case),
            "verdict": index.verdict,
            "override": index.override,
            "licence": {"expression": index.licence.expression, "use": index.licence.use},
            "ships": dict(index.ships),
        }
    except PotstillError:
        return {}
