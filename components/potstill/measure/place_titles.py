"""Titles beside points that crowd: each where it covers neither point nor title, and a line leads to it."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import dist, hypot

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from potstill.measure.drawing import INK

SIZE, LINE, AROUND = 9.0, 12.0, 8.0  # points: of the font, of a line, kept free about a point
DISTANCES = (0, 9, 20, 33, 48, 64)  # points, beyond AROUND
# To the right first, where one reads on; straight up and down last, where whiskers are.
DIRECTIONS = (
    (1, 0),
    (-1, 0),
    (1, 0.7),
    (-1, 0.7),
    (1, -0.7),
    (-1, -0.7),
    (1, 1.6),
    (-1, 1.6),
    (1, -1.6),
    (-1, -1.6),
    (1, 2.6),
    (-1, 2.6),
    (1, -2.6),
    (-1, -2.6),
)
FAR = 9.0  # points: from here on a line leads from the title to its point
SAME = 3.0  # points: marks so near are one, and their titles stand together
ALONG, CROSSED = 16, 16.0  # steps along such a line; what it costs where one runs through a title
NEARER = 12.0  # what it costs to stand nearer to another point; as much as 20 points of distance

Place = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def covers(self, other: "Box") -> float:
        """The area that both share."""
        across = min(self.right, other.right) - max(self.left, other.left)
        up = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, across) * max(0.0, up)

    def distance(self, point: Place) -> float:
        """How far a point is from the nearest edge; 0 within."""
        across = max(self.left - point[0], 0.0, point[0] - self.right)
        up = max(self.bottom - point[1], 0.0, point[1] - self.top)
        return hypot(across, up)

    def nearest(self, point: Place) -> Place:
        """The place of it that is nearest to a point."""
        return min(max(point[0], self.left), self.right), min(max(point[1], self.bottom), self.top)

    def beyond(self, frame: "Box") -> float:
        """The area that lies outside a frame."""
        return (self.right - self.left) * (self.top - self.bottom) - self.covers(frame)


def width_of(text: str) -> float:
    """How wide a text is at most, in points, in whatever font a page is shown: wide characters take a whole square."""
    return SIZE * sum(1.0 if unicodedata.east_asian_width(each) in "WF" else 0.58 for each in text)


def place_titles(
    figure: Figure,
    axes: Axes,
    titled: Sequence[tuple[float, float, str]],
    points: Sequence[Place],
    lines: Sequence[Place] = (),
) -> None:
    """Write each title in the free place nearest to its point.

    Args:
        figure: what the axes are part of.
        axes: with everything drawn, limits set.
        titled: x, y and title, the most important first: it has the choice.
        points: x and y of every point, which no title should cover, nor be taken for that of another.
        lines: places along whatever else no title should cover.
    """
    figure.draw_without_rendering()  # lays the axes out, so that places are known
    per_point = 72 / figure.dpi

    def seen(place: Place) -> Place:
        x, y = axes.transData.transform(place) * per_point
        return float(x), float(y)

    extent = axes.get_window_extent()
    frame = Box(extent.x0 * per_point, extent.y0 * per_point, extent.x1 * per_point, extent.y1 * per_point)
    taken = [_around(*seen(place)) for place in (*points, *lines)]
    marks = [seen(place) for place in points]
    leads: list[Place] = []
    for point, title in _joined(titled, seen):
        own = seen(point)
        others = [mark for mark in marks if dist(mark, own) > SAME]
        best = _best(own, title, frame, taken, (others, leads))
        taken.append(best)
        if best.distance(own) > FAR:
            leads += _lead(best, own)
        _write(axes, point, own, best, title)


def _joined(titled: Sequence[tuple[float, float, str]], seen: Callable[[Place], Place]) -> list[tuple[Place, str]]:
    """Titles of marks that lie on each other stand together, a line each."""
    found: list[tuple[Place, str]] = []
    for across, up, title in titled:
        places = [dist(seen(other), seen((across, up))) for other, _ in found]
        near = next((place for place, distance in enumerate(places) if distance < SAME), None)
        if near is None:
            found.append(((across, up), title))
        else:
            found[near] = (found[near][0], f"{found[near][1]}\n{title}")
    return found


def _lead(box: "Box", own: Place) -> list[Place]:
    """Places along the line from a title to its mark."""
    start = box.nearest(own)
    steps = [step / ALONG for step in range(ALONG)]
    return [(start[0] + step * (own[0] - start[0]), start[1] + step * (own[1] - start[1])) for step in steps]


def _best(
    own: Place, title: str, frame: Box, taken: Sequence[Box], drawn: tuple[Sequence[Place], Sequence[Place]]
) -> Box:
    others, leads = drawn

    def cost(place: Box) -> float:
        distance = place.distance(own)
        crossed = sum(place.distance(lead) < 1 for lead in leads)
        through = _crossing(place, own, taken) if distance > FAR else 0.0
        return _cost(place, distance, frame, taken) + _confusing(place, own, others) + CROSSED * (crossed + through)

    lines = title.split("\n")
    return min(_places(*own, max(map(width_of, lines)), LINE * len(lines)), key=cost)


def _crossing(place: Box, own: Place, taken: Sequence[Box]) -> float:
    """How much of the line to a mark would run through what stands already, beyond the mark itself."""
    return sum(any(box.distance(step) == 0 for box in taken) for step in _lead(place, own) if dist(step, own) > AROUND)


def _around(x: float, y: float) -> Box:
    return Box(x - 4, y - 4, x + 4, y + 4)


def _places(x: float, y: float, width: float, height: float) -> Iterator[Box]:
    """Every place to try, the nearest first."""
    for distance in DISTANCES:
        for side, lift in DIRECTIONS:
            reach = AROUND + distance / (1 + abs(lift))
            left = x + reach if side > 0 else x - reach - width
            middle = y + lift * (AROUND + distance + (height - LINE) / 2)
            yield Box(left, middle - height / 2, left + width, middle + height / 2)


def _cost(place: Box, distance: float, frame: Box, taken: Sequence[Box]) -> float:
    return 3 * place.beyond(frame) + sum(place.covers(other) for other in taken) + 0.6 * distance


def _confusing(place: Box, own: Place, others: Sequence[Place]) -> float:
    """A title nearer to another point than to its own, is read as that one's, in spite of a line."""
    distance = place.distance(own)
    return max(
        (distance - place.distance(other) + NEARER for other in others if place.distance(other) < distance), default=0.0
    )


def _write(axes: Axes, point: Place, own: Place, box: Box, title: str) -> None:
    """Write a title into its box; what is not beside its mark has a line that leads to it."""
    left = box.right < own[0]
    near = box.nearest(own)
    place = (near[0] - box.left) / (box.right - box.left), (near[1] - box.bottom) / (box.top - box.bottom)
    lead = {"arrowstyle": "-", "color": INK, "alpha": 0.6, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 3}
    axes.annotate(
        title,
        point,
        ((box.right if left else box.left) - own[0], (box.bottom + box.top) / 2 - own[1]),
        textcoords="offset points",
        fontsize=SIZE,
        va="center",
        ha="right" if left else "left",
        multialignment="right" if left else "left",
        linespacing=LINE / SIZE / 1.2,
        arrowprops={**lead, "relpos": place} if box.distance(own) > FAR else None,
    )
