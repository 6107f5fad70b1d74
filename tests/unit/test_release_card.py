"""The banner: licence first, then the override, whatever words others chose."""

import re
from dataclasses import replace

import pytest

from potstill.errors import InputError
from potstill.evidence.card import MARK, banner, carries_banner, limits_line, tells_limits, with_banner
from potstill.evidence.index import Index
from potstill.licences import Licence

INDEX = Index("headlines", "1.0.0", "pass", "", Licence("Apache-2.0", "open"), (), {})
CARD = "---\nlicense: other\n---\n\n# Title\n\nText.\n"
LIMITS = {"max_size_mb": 20.0, "min_accuracy": None, "beat_tfidf": True, "max_ece": 0.1}


@pytest.mark.parametrize(
    ("use", "first"),
    [("research-only", "**RESEARCH ONLY:"), ("undeclared", "**LICENCE UNDECLARED:"), ("open", "**These models may")],
)
def test_the_licence_stands_first(use, first):
    assert banner(replace(INDEX, licence=Licence("X", use))).startswith(first)


def test_the_override_stands_second_with_its_reason():
    text = banner(replace(INDEX, verdict="fail", override="the old one harms"))
    licence, override, *_ = text.split("\n\n")
    assert "Licence: Apache-2.0" in licence
    assert "OVERRIDE: the verdict is fail" in override
    assert "the old one harms" in override


def test_the_hubs_block_stays_first_in_the_file():
    text = with_banner(CARD, INDEX, LIMITS)
    assert text.startswith("---\nlicense: apache-2.0\n---\n\n**These models")
    assert text.endswith("# Title\n\nText.\n")
    assert carries_banner(text, INDEX)


@pytest.mark.parametrize("card", ["# Title\n", "", "---\nnever closed\n", "--- \n---\n"])
def test_a_card_without_a_block_begins_with_the_banner(card):
    text = with_banner(card, INDEX, LIMITS)
    assert text.startswith("**These models")
    assert text.endswith(card)
    assert carries_banner(text, INDEX)


@pytest.mark.parametrize(
    "other",
    [
        {"version": "1.0.1"},
        {"licence": Licence("Apache-2.0", "research-only")},
        {"verdict": "fail", "override": "x"},
    ],
    ids=str,
)
def test_the_banner_of_another_release_is_told_apart(other):
    assert not carries_banner(with_banner(CARD, INDEX, LIMITS), replace(INDEX, **other))


def test_a_card_without_the_banner_carries_none():
    assert not carries_banner(CARD, INDEX)


def test_a_banner_further_down_is_not_first():
    assert not carries_banner(f"# Praise\n\n{banner(INDEX)}", INDEX)


@pytest.mark.parametrize("reason", ["</b> <script>x</script>", "a* **b** [c](http://d.invalid)", "`x` | _y_ ~z~ # $1$"])
def test_words_of_others_are_no_markup(reason):
    text = banner(replace(INDEX, verdict="fail", override=reason, licence=Licence(reason, "open")))
    assert "<script" not in text
    assert re.search(r"(?<!\\)[`\[\]|~$#]|://(?<!\\://)", text.replace(MARK, "")) is None
    assert "**b**" not in text


def test_a_licence_cannot_break_the_line():
    text = banner(replace(INDEX, licence=Licence("MIT\n\n# Praise\u202e", "research-only")))
    assert "\n#" not in text
    assert "\u202e" not in text


def test_the_limits_follow_the_banner():
    text = with_banner(CARD, INDEX, LIMITS)
    assert limits_line(LIMITS) == (
        "Judged under the limits that the releaser chose: beat\\_tfidf yes, max\\_ece 0.1, max\\_size\\_mb 20.\n\n"
    )
    assert tells_limits(text, INDEX, LIMITS)
    assert not tells_limits(text, INDEX, LIMITS | {"max_size_mb": 200.0})


def test_a_limit_of_0_is_told_and_what_was_not_asked_for_is_not():
    limits = {"max_unk_rate": 0, "max_class_loss": 0.0, "beat_tfidf": False, "max_ece": None}
    assert limits_line(limits) == (
        "Judged under the limits that the releaser chose: max\\_class\\_loss 0, max\\_unk\\_rate 0.\n\n"
    )


def test_a_card_of_another_front_matter_carries_no_banner():
    text = with_banner(CARD, INDEX, LIMITS)
    assert not carries_banner(text.replace("license: apache-2.0", "license: mit"), INDEX)
    assert not carries_banner(text.replace("license: apache-2.0\n", ""), INDEX)
    assert not carries_banner(
        text.replace("license: apache-2.0\n", "license: apache-2.0\nlicense_link: there\n"), INDEX
    )
    assert not carries_banner(text.replace("license: apache-2.0\n", "license: apache-2.0\n? license\n: mit\n"), INDEX)


def test_a_front_matter_that_is_more_than_lines_is_refused():
    with pytest.raises(InputError, match="the card's front matter holds"):
        with_banner("---\nlicense: *mit\n---\n", INDEX, LIMITS)


def test_the_card_says_where_its_code_runs():
    """Behind what verify holds a card to, so that a card without the line stays proved."""
    index = replace(INDEX, ships={"report": "1" * 64, **dict.fromkeys(("models/onnx", "models/coreml"), "0" * 64)})
    text = with_banner(CARD, index, LIMITS)
    said = "The models lie in models/coreml and models/onnx; run the code below in the folder of its model.\n\n"
    assert text.endswith(f"{limits_line(LIMITS)}{said}# Title\n\nText.\n")
    assert tells_limits(text, index, LIMITS)
    assert tells_limits(text.replace(said, ""), index, LIMITS)
    assert "The models lie" not in with_banner(CARD, INDEX, LIMITS)
