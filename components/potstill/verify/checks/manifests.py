"""Every manifest is what its digest says."""

from collections.abc import Iterator

from potstill.errors import PotstillError
from potstill.evidence.layout import MANIFESTS
from potstill.evidence.manifest import digest_of, read_evidence_manifest
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved


def _prove(case: Case) -> Proved:
    names = [name for name in case.listing.sizes if name.startswith(f"{MANIFESTS}/")]
    wrong = [] if case.stands else [line for name in sorted(names) for line in _offences(case, name)]
    said = f"Each of the {len(names)} manifests, one for every artifact of the making, is what its digest says."
    return Proved(said, wrong or ([] if names else [f"{MANIFESTS} holds no manifest"]))


def _offences(case: Case, name: str) -> Iterator[str]:
    try:
        data = case.read(name)
        if name != f"{MANIFESTS}/{digest_of(data)}.json":
            yield f"{name} has digest {digest_of(data)}; its name must be that digest"
        read_evidence_manifest(data, name, case.folder)
    except PotstillError as refused:
        yield str(refused)


CHECK = Check("manifests", "every manifest is what its digest says", _prove)
