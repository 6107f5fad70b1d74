"""The page of potstill lineage as a browser shows it: on a desk, on a wide screen and on a phone."""

import pytest

pytest.importorskip("selenium")

from potstill.evidence.whole import evidence_of
from potstill.lineage.page import page_of
from tests.browser.chromium import TOO_WIDE, console, open_page, requests
from tests.released import RESEARCH, make_release

pytestmark = pytest.mark.browser

SEEN = """return [...document.querySelectorAll("svg")].filter((each) => each.getBoundingClientRect().width)
  .map((each) => each.getAttribute("class"));"""
CUT_OFF = """return [...document.querySelectorAll(".scroll")].filter((each) => each.scrollWidth > each.clientWidth)
  .map((each) => each.getAttribute("aria-label"));"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lineage")
    (folder / "page.html").write_text(page_of(evidence_of(make_release(folder, start=RESEARCH))), encoding="utf-8")
    return folder / "page.html"


@pytest.mark.parametrize(("width", "form"), [(390, "down"), (1280, "down"), (1900, "across")])
def test_one_picture_is_seen_and_nothing_is_to_be_pushed_aside(chromium, page, width, form):
    open_page(chromium, page, width)
    assert chromium.execute_script(SEEN) == [form]
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    assert chromium.execute_script(TOO_WIDE) == []
    assert chromium.execute_script(CUT_OFF) == []
    assert requests(chromium) == [page.resolve().as_uri()]
    assert console(chromium) == []
