"""A real browser without a screen: Debian's Chromium, driven by Selenium, that may reach nothing but files.

    def test_it(chromium, page):
        with_width(chromium, 375)
        chromium.get(page.as_uri())

Without Chromium such tests are skipped; under POTSTILL_REQUIRE_BROWSER=1 they fail.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

PACKAGES = "chromium chromium-driver"
PROGRAMS = ("chromium", "chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
    "--force-color-profile=srgb",
    "--lang=en",
)
HEIGHT = 900
# What sticks out at the right of a page, in a script's words.
TOO_WIDE = """
return [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1
  && !each.closest(".scroll, .inner, .hidden, svg")).map((each) => each.tagName + "." + each.className);
"""


def missing_programs() -> list[str]:
    """Name the programs that are not installed."""
    return [program for program in PROGRAMS if not shutil.which(program)]


def required() -> bool:
    """Tell whether a test must fail rather than be skipped where they are missing."""
    return os.environ.get("POTSTILL_REQUIRE_BROWSER") == "1"


@contextmanager
def browsing() -> Iterator[WebDriver]:
    """Open a browser of its own; its console and every request of its pages are logged."""
    options = Options()
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in FLAGS:
        options.add_argument(flag)
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        options.add_argument(f"--user-data-dir={profile}")
        service = Service(shutil.which("chromedriver"), log_output=os.devnull)
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield driver
        finally:
            driver.quit()


def open_page(driver: WebDriver, page: Path, width: int = 1280, scheme: str = "light") -> None:
    """Open a file, as wide as a screen, by day or by night.

    Args:
        driver: the browser.
        page: the file.
        width: of the window, in CSS pixels.
        scheme: `light` or `dark`.
    """
    see(driver, width, scheme)
    driver.get("about:blank")  # Chromium's own first page asks for parts of itself
    for kind in ("browser", "performance"):
        driver.get_log(kind)  # what went before is not this page's
    driver.get(page.resolve().as_uri())


def see(driver: WebDriver, width: int, scheme: str = "light", height: int = HEIGHT) -> None:
    """Make the window so wide, and prefer a scheme."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    command(driver, "Emulation.setDeviceMetricsOverride", **size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    command(driver, "Emulation.setEmulatedMedia", media="screen", features=[feature])


def command(driver: WebDriver, name: str, **options: Any) -> dict[str, Any]:
    """Send a command of the DevTools protocol."""
    return dict(driver.execute_cdp_cmd(name, options))


def console(driver: WebDriver) -> list[str]:
    """Everything that the page's console says."""
    return [str(entry["message"]) for entry in driver.get_log("browser")]


def requests(driver: WebDriver) -> list[str]:
    """The address of everything that was asked for since the page was opened, itself too; not what it holds as data."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
    return [each for each in asked if not each.startswith(("data:", "about:", "chrome:"))]
