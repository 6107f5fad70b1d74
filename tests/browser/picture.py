"""Take the picture of a report that the README shows.

python -m tests.browser.picture runs/demo/page.html docs/validate/report.png
"""

import base64
import sys
from pathlib import Path

from tests.browser.chromium import browsing, command, open_page

WIDTH, HEIGHT = 1280, 1400  # CSS pixels: the verdict, the budgets, the head of the table


def take(page: Path, picture: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Write the top of a page as PNG or, where the name ends so, as WebP.

    Args:
        page: the HTML file.
        picture: what is written.
        width: of the window, in CSS pixels.
        height: how far down the picture reaches.
    """
    kind = {"format": "webp", "quality": 90} if picture.suffix == ".webp" else {"format": "png"}
    with browsing() as driver:
        open_page(driver, page, width)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = command(driver, "Page.captureScreenshot", captureBeyondViewport=True, clip=clip, **kind)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(base64.b64decode(taken["data"]))


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]), height=int(sys.argv[3]) if len(sys.argv) > 3 else HEIGHT)
