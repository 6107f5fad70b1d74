"""The licence is the strictest of all ancestors, and the card says so first."""

from collections.abc import Iterator

from potstill.evidence.card import carries_banner
from potstill.evidence.layout import CARD, INDEX
from potstill.licences import Licence, strictest
from potstill.verify.case import Case
from potstill.verify.findings import Check, Proved, gathered

LOUD = {
    "open": "it may be used under the terms",
    "undeclared": "UNDECLARED, as nobody said what may be done with an ancestor; the terms are",
    "research-only": "RESEARCH ONLY, as an ancestor allows no other use; the terms are",
}


def _prove(case: Case) -> Proved:
    manifests = case.evidence.manifests.values()
    found = strictest(each.licence for each in manifests)
    return Proved(
        f"The licence is the strictest of all {len(manifests)} artifacts behind it: {LOUD[found.use]} "
        f"{found.expression}. The card says so first.",
        gathered(_offences(case, found), _of_card(case)),
    )


def _offences(case: Case, found: Licence) -> Iterator[str]:
    told = case.evidence.index.licence
    if told != found:
        yield f"{INDEX} says {told.expression} ({told.use}); all artifacts say {found.expression} ({found.use})"


def _of_card(case: Case) -> Iterator[str]:
    if not carries_banner(case.read(CARD).decode("utf-8", "replace"), case.evidence.index):
        yield f"{CARD} does not say first what licence and verdict the release has"


CHECK = Check("licence", "the licence is the strictest of all ancestors, and is said first", _prove)
