"""Every edge of the lineage leads to a manifest, and index, manifests, verdict and report agree."""

from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import IMPORTS
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved


def _prove(case: Case) -> Proved:
    evidence = case.evidence
    lineage = evidence.lineage
    return Proved(
        f"Each of the {len(lineage.edges)} edges of the lineage leads to a manifest, from what ships back to "
        f"{len(_imported(evidence))} imports; the index, the manifests, the verdict and the report agree.",
        details=_imported(evidence),
    )


def _imported(evidence: Evidence) -> list[str]:
    """Name what the lineage begins with."""
    found = [evidence.manifests[digest] for digest in evidence.lineage.roots]
    return [
        f"{each.made_by['stage']} {each.digest[:12]}: {each.meaning.get('source', 'its source is not told')}"
        for each in found
        if each.made_by["stage"] in IMPORTS
    ]


CHECK = Check("lineage", "every edge of the lineage leads to a manifest, and the evidence agrees with itself", _prove)
