"""The confusion matrix of many classes: too many for a table, so a picture of shares."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb

from potstill.measure.drawing import BLUE, ORANGE, panels, style
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.plots.looks import WIDTH

FAINT = 0.4  # exponent of a share: a single row of a class is still seen


def confusion_picture(figures: Mapping[str, Any]) -> Plot:
    """Draw each class of the final model as a row of pixels: blue where it is right, orange where it is not."""
    model = figures["models"][figures["final"]]
    counts = np.asarray(model["confusion"], dtype=float)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    with style("confusion"):
        figure, [axes] = panels(WIDTH, WIDTH)
        axes.imshow(_pixels(shares), interpolation="none")
        axes.set(xlabel="predicted class, by number", ylabel="true class, by number")
        right = np.diag(shares)
        told = (
            f"{len(shares)} classes; the median class is right in {100 * np.median(right):.1f} % of its rows, "
            f"the worst in {100 * right.min():.1f} %."
        )
        caption = (
            "Blue: right. Orange: wrong, the stronger the more of the class. "
            "Numbers count the classes from 0, in the order of the labels."
        )
        return plot("confusion-picture", "All classes", figure, told, caption)


def _pixels(shares: np.ndarray) -> np.ndarray:
    """(classes, classes, 4) uint8: the less there is of it, the more the page shows through, by day and by night."""
    wrong, right = (np.round(255 * np.asarray(to_rgb(each))) for each in (ORANGE, BLUE))
    pixels = np.zeros((*shares.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(np.eye(len(shares), dtype=bool)[..., None], right, wrong)
    pixels[..., 3] = np.round(255 * shares**FAINT)
    return pixels
