"""No file more, none less, none changed, and nothing that is no plain file."""

from collections.abc import Iterator, Mapping

from potstill.artifacts import SIGNATURE
from potstill.errors import PotstillError
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved


def _prove(case: Case) -> Proved:
    listing = case.listing
    wrong = [*listing.strange, *listing.names, *listing.unreadable, *_differences(case)]
    size = sum(listing.sizes.values()) / 1e6
    return Proved(
        f"The {len(listing.sizes) - 1} files beside the signature ({size:.1f} MB) are those that were signed: none "
        "more, none less, none changed; no symbolic link, no device, no two names that are one on another system.",
        wrong,
    )


def _differences(case: Case) -> Iterator[str]:
    """Compare with what was signed; where nobody trusted signed, nothing says what belongs here."""
    found = {name: file.sha256 for name, file in case.listing.files.items() if name != SIGNATURE}
    there = set(case.listing.sizes) - {SIGNATURE}
    try:
        wanted: Mapping[str, str] = case.signed.files
    except PotstillError as untrusted:
        yield f"no trusted signature says which files belong here ({untrusted})"
        return
    yield from (f"{name} is missing" for name in sorted(wanted.keys() - there))
    yield from (f"{name} was added: nobody signed it" for name in sorted(there - wanted.keys()))
    yield from (
        f"{name} was changed: SHA-256 {found[name]}, signed was {wanted[name]}"
        for name in sorted(wanted.keys() & found.keys())
        if wanted[name] != found[name]
    )


CHECK = Check("closed-set", "the files here are those that were signed, and no other", _prove)
