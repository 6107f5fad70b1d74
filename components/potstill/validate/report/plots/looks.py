"""How a model looks in every picture: a colour and a shape for its family, so that neither tells alone."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from matplotlib.lines import Line2D

from potstill.measure.drawing import BLUE, GREY, INK, ORANGE, TEAL

WIDTH = 4.5  # inches: of a picture that stands beside another, and alone on a phone
RIVALS = ("majority", "tfidf", "control")
FAMILIES = {
    "PyTorch": (BLUE, "o"),
    "ONNX": (ORANGE, "s"),
    "Core ML": (TEAL, "D"),
    "Rival": (GREY, "^"),
}
DASHES = ("-", "--", ":", "-.")


def family(name: str) -> str:
    """Return the key of FAMILIES that a model belongs to."""
    if name in RIVALS:
        return "Rival"
    return "ONNX" if name.startswith("onnx_") else "Core ML" if name.startswith("coreml_") else "PyTorch"


def colour(name: str) -> str:
    """Return a model's colour."""
    return FAMILIES[family(name)][0]


def shape(name: str) -> str:
    """Return a model's marker."""
    return FAMILIES[family(name)][1]


def dashes(names: list[str]) -> dict[str, str]:
    """Return a line style for each model; those of a family differ as long as there are styles."""
    seen: dict[str, int] = {}
    made = {}
    for name in names:
        place = seen.get(family(name), 0)
        made[name], seen[family(name)] = DASHES[place % len(DASHES)], place + 1
    return made


def title(models: Mapping[str, Any], name: str, width: int = 22) -> str:
    """Return a model's title, in lines that an axis has room for."""
    return fill(str(models[name]["title"]) if name in models else name, width)


def keys(names: list[str]) -> list[Line2D]:
    """Return what a legend needs for the families that these models are of."""
    present = {family(name) for name in names}
    return [key(each, looks[0], marker=looks[1]) for each, looks in FAMILIES.items() if each in present]


def key(label: str, colour: str = INK, **looks: Any) -> Line2D:
    """Return an entry of a legend that is drawn nowhere else."""
    return Line2D([], [], **{"linestyle": "", "color": colour, "label": label, "markersize": 6, **looks})
