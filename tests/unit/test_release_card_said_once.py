"""validate's card and the release's banner both know that a model is for research only: a card says it once, first."""

from dataclasses import replace

import pytest

from potstill.evidence.card import banner, carries_banner, tells_limits, with_banner
from potstill.evidence.index import Index
from potstill.licences import Licence, strictest
from potstill.validate.card.writing import card_text
from tests.report_figures import report_figures

TERMS = "Apache-2.0 AND LicenseRef-m3e-research-only"
INDEX = Index("headlines", "1.0.0", "pass", "", Licence(TERMS, "research-only"), (), {})


def of_validate(expression=TERMS, use="research-only"):
    """A card as validate writes it."""
    told = {"budgets": [], "verdict": "pass", "failures": [], "report": "ab" * 32}
    return card_text({**report_figures(), **told, "licence": {"expression": expression, "use": use}})


@pytest.mark.parametrize("expression", [TERMS, "LicenseRef-m3e-research-only", "(LGPL-2.1-only AND MIT) OR X"])
def test_it_is_said_once_and_first(expression):
    index = replace(INDEX, licence=strictest([Licence(expression, "research-only"), Licence("MIT", "open")]))
    card = of_validate(expression)
    assert card.count("RESEARCH ONLY") == 1
    text = with_banner(card, index, {})
    assert text.count("RESEARCH ONLY") == 1
    assert text.partition("\n---\n")[2].lstrip().startswith(banner(index))
    assert carries_banner(text, index)
    assert tells_limits(text, index, {})
    assert text.partition("\n# ")[2] == card.partition("\n# ")[2]  # all else stays


def test_other_terms_than_the_release_s_are_kept():
    text = with_banner(of_validate("LicenseRef-another"), INDEX, {})
    assert "allows no other use (LicenseRef-another)" in text


def test_words_that_are_no_terms_are_kept():
    assert "allows no other use (see LICENSE)" in with_banner(of_validate("see LICENSE"), INDEX, {})


def test_a_restriction_that_the_banner_does_not_tell_is_kept():
    text = with_banner(of_validate(), replace(INDEX, licence=Licence(TERMS, "open")), {})
    assert text.count("RESEARCH ONLY") == 1


@pytest.mark.parametrize("card", ["", "# Title\n", "**RESEARCH ONLY: my own words.**\n\n# Title\n"])
def test_other_cards_stay_as_they_are(card):
    assert with_banner(card, INDEX, {}).endswith(card)
