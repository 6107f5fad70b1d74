"""The Statements, made again from the manifests, are byte for byte those that were signed."""

from collections.abc import Iterator, Mapping

from potstill.errors import PotstillError
from potstill.evidence.layout import ATTESTATIONS, STATEMENTS, attestation_path, statement_path
from potstill.evidence.potstills import made_elsewhere
from potstill.signing.dsse import open_envelope
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved


def _prove(case: Case) -> Proved:
    made = {_stem(path): data for path, data in case.papers.items() if path.startswith(f"{STATEMENTS}/")}
    wrong = [*_strays(case, made), *_unsigned(case, made)]
    for stem, data in made.items():
        if _read(case, statement_path(stem)) != data:
            both = made_elsewhere(case.folder)
            wrong.append(f"{both}; {statement_path(stem)} is not what follows from the manifests")
    return Proved(
        f"All {len(made)} attestations are signed by the same key, and what they state, made again from the manifests, "
        "is byte for byte the same.",
        wrong,
    )


def _stem(path: str) -> str:
    return path.removeprefix(f"{STATEMENTS}/").removesuffix(".json")


def _strays(case: Case, made: Mapping[str, bytes]) -> Iterator[str]:
    known = {statement_path(stem) for stem in made} | {attestation_path(stem) for stem in made}
    for name in sorted(case.listing.sizes):
        if name.startswith((f"{STATEMENTS}/", f"{ATTESTATIONS}/")) and name not in known:
            yield f"{name} states what does not follow from the manifests"


def _unsigned(case: Case, made: Mapping[str, bytes]) -> Iterator[str]:
    try:
        keys = [case.signed.key]
    except PotstillError as untrusted:
        yield f"the attestations are signed by nobody whom you trust ({untrusted})"
        return
    for stem, data in made.items():
        name = attestation_path(stem)
        try:
            if open_envelope(case.read(name), keys, name) != data:
                yield f"{name} is signed, but its statement is not what follows from the manifests"
        except PotstillError as refused:
            yield str(refused)


def _read(case: Case, name: str) -> bytes:
    """A file's bytes; none where it is missing, which no statement is like."""
    return case.read(name) if name in case.listing.sizes else b""


CHECK = Check(
    "attestations", "the attestations state what follows from the manifests, and are signed by the same key", _prove
)
