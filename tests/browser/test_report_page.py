"""The report as a browser shows it: by day and by night, on a desk, on a phone and on paper."""

import base64
import re
from pathlib import Path

import pytest

pytest.importorskip("selenium")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from potstill.validate.report import write_page
from tests.browser.chromium import TOO_WIDE, command, console, open_page, requests
from tests.report_figures import report_figures
from tests.reports import hostile, of_many_classes, smallest

pytestmark = pytest.mark.browser

# The smallest type in a drawing, in CSS pixels.
SMALLEST = """
return Math.min(...[...document.querySelectorAll("figure svg text")].map((each) => {
  const drawing = each.ownerSVGElement;
  const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
  return parseFloat(getComputedStyle(each).fontSize) * scale;
}));
"""
WIDTHS, SCHEMES = (375, 1280), ("light", "dark")
PLOTS = {
    *("pareto-size", "pareto-latency", "size-parts", "latency-spread", "latency-lengths", "throughput"),
    *("reliability", "robustness-lost", "robustness-flips", "training-0", "lineage-picture"),
}
READABLE = 4.5  # WCAG 2.2, 1.4.3
WRITTEN = "h1, h2, h3, p, th, td, dt, dd, li, a, caption, summary, figcaption, .mark, .sub, .about, .tag, code"
# The contrast of each text with what lies behind it; every background of the page but a heat is opaque.
CONTRASTS = """
const bright = (rgb) => rgb.map((c) => c / 255)
  .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const parts = (text) => text.match(/[\\d.]+/g).map(Number);
const behind = (element) => {
  let over = [];
  for (let each = element; each; each = each.parentElement) {
    const [r, g, b, a = 1] = parts(getComputedStyle(each).backgroundColor);
    over.push([r, g, b, a]);
    if (a === 1) break;
  }
  const laid = (below, [r, g, b, a]) => [r, g, b].map((c, i) => a * c + (1 - a) * below[i]);
  return over.reduceRight(laid, [255, 255, 255]);
};
return [...document.querySelectorAll(arguments[0])].filter((each) => each.offsetParent).map((each) => {
  const [one, other] = [bright(parts(getComputedStyle(each).color).slice(0, 3)), bright(behind(each))];
  return [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), each.tagName + " " + each.className];
});
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    kinds = {"full": report_figures(), "smallest": smallest(), "hostile": hostile(), "many": of_many_classes(200)}
    for name, figures in kinds.items():
        write_page(folder / f"{name}.html", {"budgets": [], "verdict": "pass", "failures": [], **figures})
    return {name: folder / f"{name}.html" for name in kinds}


@pytest.mark.parametrize("kind", ["full", "smallest", "hostile", "many"])
@pytest.mark.parametrize("width", WIDTHS)
def test_opens_in_silence_and_fits(chromium, pages, kind, width):
    open_page(chromium, pages[kind], width)
    assert requests(chromium) == [pages[kind].resolve().as_uri()]
    assert console(chromium) == []
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    assert chromium.execute_script(TOO_WIDE) == []


def test_type_in_plots_can_be_read_on_a_phone(chromium, pages):
    open_page(chromium, pages["full"], 360)
    assert chromium.execute_script(SMALLEST) >= 10.9


def test_a_wide_screen_shows_the_whole_table(chromium, pages):
    open_page(chromium, pages["full"], 1920)
    table = chromium.find_element(By.CSS_SELECTOR, "#models .scroll")
    assert table.get_property("scrollWidth") <= table.get_property("clientWidth")


def test_the_verdict_is_a_heading(chromium, pages):
    open_page(chromium, pages["full"])
    assert chromium.find_element(By.CSS_SELECTOR, "#verdict h2").text == "Verdict: PASS"


@pytest.mark.parametrize("width", WIDTHS)
def test_each_plot_is_there_and_named(chromium, pages, width):
    open_page(chromium, pages["full"], width)
    found = {each.get_attribute("id"): each for each in chromium.find_elements(By.TAG_NAME, "figure")}
    assert found.keys() >= PLOTS
    for anchor, figure in found.items():
        drawing = figure.find_element(By.CSS_SELECTOR, "svg[role=img]")
        assert drawing.size["width"] > 250, anchor
        assert drawing.size["height"] > 80, anchor
        assert drawing.accessible_name == figure.find_element(By.TAG_NAME, "h3").text
        told = chromium.find_element(By.ID, str(drawing.get_attribute("aria-describedby")))
        assert len(str(told.get_attribute("textContent"))) > 20, anchor


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_text_stands_out(chromium, pages, scheme, width):
    open_page(chromium, pages["full"], width, scheme)
    contrasts = chromium.execute_script(CONTRASTS, WRITTEN)
    assert len(contrasts) > 100
    assert [(round(ratio, 2), what) for ratio, what in contrasts if ratio < READABLE] == []


def test_schemes_differ(chromium, pages):
    papers = set()
    for scheme in SCHEMES:
        open_page(chromium, pages["full"], scheme=scheme)
        papers.add(chromium.find_element(By.TAG_NAME, "body").value_of_css_property("background-color"))
    assert len(papers) == 2


def test_hostile_text_stays_text(chromium, pages):
    open_page(chromium, pages["hostile"])
    assert chromium.find_elements(By.CSS_SELECTOR, "script, img, main b.evil") == []
    assert "<b class=evil>" in chromium.find_element(By.ID, "classes").text


def test_skip_link_comes_first_and_leads_to_the_verdict(chromium, pages):
    open_page(chromium, pages["full"])
    ActionChains(chromium).send_keys(Keys.TAB).perform()
    link = chromium.switch_to.active_element
    assert link.text == "Skip to the verdict"
    assert link.rect["x"] >= 0
    link.send_keys(Keys.ENTER)
    assert chromium.switch_to.active_element.get_attribute("id") == "verdict"


def test_every_link_of_the_contents_has_its_section(chromium, pages):
    open_page(chromium, pages["full"])
    for link in chromium.find_elements(By.CSS_SELECTOR, "a[href^='#']"):
        anchor = str(link.get_attribute("href")).partition("#")[2]
        assert chromium.find_elements(By.ID, anchor), anchor
    ids = chromium.execute_script("return [...document.querySelectorAll('[id]')].map((each) => each.id)")
    assert len(ids) == len(set(ids))


def test_details_open_by_key_and_by_link(chromium, pages):
    open_page(chromium, pages["full"])
    first = chromium.find_element(By.CSS_SELECTOR, "#classes details")
    first.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    assert first.get_attribute("open") is not None
    link = chromium.find_elements(By.CSS_SELECTOR, "#classes tbody th a")[-1]
    link.send_keys(Keys.ENTER)
    anchor = str(link.get_attribute("href")).partition("#")[2]
    assert chromium.find_element(By.ID, anchor).is_displayed()


def test_prints_with_everything_open(chromium, pages):
    open_page(chromium, pages["full"])
    printed = pdf(chromium)
    assert printed.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 40
    command(chromium, "Emulation.setEmulatedMedia", media="print")
    hidden = "return [...document.querySelectorAll('details > .inside')].filter((each) => !each.offsetHeight).length"
    assert chromium.execute_script(hidden) == 0
    paper = chromium.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert paper == "rgba(255, 255, 255, 1)"


def pdf(driver: WebDriver) -> bytes:
    """The page as it is printed."""
    command(driver, "Emulation.setEmulatedMedia", media="")
    options = {"preferCSSPageSize": True, "printBackground": True}
    return base64.b64decode(command(driver, "Page.printToPDF", **options)["data"])


def test_picture_of_a_page(pages, tmp_path: Path, chromium):
    from tests.browser.picture import take

    take(pages["full"], tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "report.png").stat().st_size < 400_000
