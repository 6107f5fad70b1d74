"""The page that puts two releases side by side, as a browser shows it."""

import pytest

pytest.importorskip("selenium")

from selenium.webdriver.common.by import By

from potstill.validate.compare import compare_reports
from tests.browser.chromium import TOO_WIDE, command, console, open_page, requests
from tests.sealed_reports import made

pytestmark = pytest.mark.browser
PAPER = 703  # CSS pixels between the margins of A4


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    labels = ["<b>财经</b>", "$x$ 体育"]
    before, after = (made(folder / name, wrong, labels=labels) for name, wrong in (("a", range(5)), ("b", range(40))))
    assert compare_reports(before, after, html=folder / "page.html").code == 1
    return folder / "page.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_opens_in_silence_and_fits(chromium, page, width, scheme):
    open_page(chromium, page, width, scheme)
    assert requests(chromium) == [page.resolve().as_uri()]
    assert console(chromium) == []
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    assert chromium.execute_script(TOO_WIDE) == []
    drawing = chromium.find_element(By.CSS_SELECTOR, "#movements svg[role=img]")
    assert drawing.size["width"] > 250
    assert drawing.accessible_name == "What moved"
    assert "<b>财经</b>" in chromium.find_element(By.TAG_NAME, "main").text


def test_no_column_is_cut_on_paper(chromium, page):
    open_page(chromium, page, PAPER)
    command(chromium, "Emulation.setEmulatedMedia", media="print")
    wide = "return [...document.querySelectorAll('table')].filter((each) => each.offsetWidth > innerWidth).length"
    assert chromium.execute_script(wide) == 0
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= PAPER


def test_each_row_has_a_head(chromium, page):
    open_page(chromium, page)
    rows = chromium.find_elements(By.CSS_SELECTOR, "tbody tr")
    assert rows
    assert len(chromium.find_elements(By.CSS_SELECTOR, "tbody tr > th[scope=row]:first-child")) == len(rows)
