"""The block that hubs read: plain lines alone, and no licence in it but the release's."""

import pytest
import yaml
from huggingface_hub import ModelCard

from potstill.errors import InputError
from potstill.evidence.front_matter import HUB_LICENCES, licensed
from potstill.licences import Licence
from potstill.validate.card import front_matter as validates
from tests.report_figures import report_figures

MIT = Licence("MIT", "open")
RESEARCH = Licence("Apache-2.0 AND LicenseRef-m3e-research-only", "research-only")


def block(*lines):
    return "".join(f"{each}\n" for each in ("---", *lines, "---"))


@pytest.mark.parametrize(
    "lines",
    [
        ("license: apache-2.0",),
        ("license:", "- apache-2.0", "- bsd"),
        ("license: other", "license_name: x", "license_link: https", "tags:", "- potstill"),
        ("tags:", "- potstill", "license: other"),
        (),
    ],
)
def test_the_licence_is_written_whatever_stood_there(lines):
    told = yaml.safe_load(licensed(block(*lines), MIT).strip("-\n"))
    assert told == {"license": "mit"} | ({"tags": ["potstill"]} if "tags:" in lines else {})
    assert licensed(licensed(block(*lines), MIT), MIT) == licensed(block(*lines), MIT)


def test_what_hubs_do_not_know_is_named():
    told = yaml.safe_load(licensed(block("license: mit"), RESEARCH).strip("-\n"))
    assert told == {"license": "other", "license_name": "apache-2.0-and-licenseref-m3e-research-only"}


@pytest.mark.parametrize(
    "line",
    [
        "a: *b",
        "a: &b c",
        "a: !!str b",
        "a: |",
        "a: >-",
        "a: {license: mit}",
        "a: [b]",
        "{license: mit}",
        "? license",
        ": mit",
        "'license': mit",
        '"license": mit',
        "<<: b",
        "a: b # c",
        "# license",
        "a: b: c",
        "a: 'b",
        "a: b:",
        "a:b",
        "...",
        "%TAG ! x",
        "",
        "\ta: b",
        "a: b\u2028license: mit",
        "a: b\rlicense: mit",
        "a: b\x85license: mit",
        "more of a text",
    ],
)
def test_whatever_is_more_than_a_plain_line_is_refused(line):
    with pytest.raises(InputError, match="front matter holds") as refused:
        licensed(block("x: y", line), MIT)
    assert "\n" not in str(refused.value)


def test_a_key_twice_is_refused():
    with pytest.raises(InputError, match="license more than once"):
        licensed(block("license: mit", "tags:", "- x", "license: mit"), MIT)


def test_the_hubs_names_are_those_of_validates_card():
    assert HUB_LICENCES == validates.HUB_LICENCES


def test_validates_own_block_is_read_and_means_the_same_to_the_hub():
    figures = report_figures()
    front = f"---\n{validates.front_matter(figures, 'Text classifier for phones').to_yaml()}\n---\n"
    written = ModelCard(licensed(front, Licence(**figures["licence"])))
    assert written.data.to_dict() == ModelCard(front).data.to_dict()
    assert written.data.eval_results
