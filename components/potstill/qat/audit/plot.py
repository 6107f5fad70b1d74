"""The range audit as a picture: one row a tensor, how far it reaches, and where int8 and float16 end."""

import re
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from potstill.measure.drawing import BLUE, INK, ORANGE, RED, TEAL, panels, standalone, style, svg
from potstill.qat.audit.hurting import worst_first
from potstill.qat.audit.record import DRAWING, FLOAT16_LIMIT, STEPS, Audit, AuditedTensor

WIDTH, ROW, AROUND = 8.4, 0.165, 1.35  # inches: of the picture, of a row, of axis and legend together
MOST = 40  # rows; more cannot be read
SMALL = 7.5  # points
FIGURES = 1.012  # where the steps stand, in widths of the axes


def draw(found: Audit) -> str:
    """Draw each tensor from the magnitude that 99 % of its values keep to, up to its greatest, on a log axis.

    Where the line is long, few values stretch the range. Of more than MOST tensors the worst are shown, in the order in
    which the model computes them.

    Args:
        found: the figures.

    Returns: SVG for a page, in the page's ink; the same audit gives the same bytes.
    """
    shown = _shown(found)
    with style("ranges"):
        figure, [axes] = panels(WIDTH, AROUND + ROW * len(shown))
        _lay_out(axes, found, shown)
        for row, tensor in enumerate(shown):
            _draw_row(axes, row, tensor)
        figure.legend(handles=_legend(found), loc="outside lower center", ncols=2, fontsize=9)
        return svg(figure)


def write_drawing(folder: Path, found: Audit) -> None:
    """Write `range_audit.svg`, a picture that stands alone, on light and on dark."""
    (folder / DRAWING).write_text(standalone(draw(found)), encoding="utf-8")


def _shown(found: Audit) -> list[AuditedTensor]:
    worst = worst_first(found)[:MOST]
    return [each for each in found.tensors if each in worst]


def _lay_out(axes: Axes, found: Audit, shown: list[AuditedTensor]) -> None:
    which = f"the worst {len(shown)} of {len(found.tensors)} tensors, " if len(shown) < len(found.tensors) else ""
    axes.set(xscale="log", xlim=_view(shown), ylim=(len(shown) - 0.4, -0.6))
    axes.set_xlabel(f"|x|, {which}{found.rows:,} {found.split} rows (log)")
    axes.set_yticks(range(len(shown)), [_short(each, found) for each in shown], fontsize=SMALL)
    for label, tensor in zip(axes.get_yticklabels(), shown, strict=True):
        label.set_color(RED if tensor.hurts else INK)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, axis="x")
    axes.axvline(FLOAT16_LIMIT, color=ORANGE, linewidth=1.2)
    axes.axvline(FLOAT16_LIMIT / found.thresholds.headroom, color=ORANGE, linestyle=":", linewidth=1)
    if any(tensor.levels is not None for tensor in shown):
        axes.text(FIGURES, 1.0, "steps", transform=axes.transAxes, va="bottom", fontsize=SMALL)


def _view(shown: list[AuditedTensor]) -> tuple[float, float]:
    """From below the least tensor to beyond float16's limit."""
    least = min((each.p99 for each in shown if each.p99), default=1.0)
    return least / 2, 2 * max(FLOAT16_LIMIT, *(max(each.greatest, each.reach or 0.0) for each in shown))


def _draw_row(axes: Axes, row: int, tensor: AuditedTensor) -> None:
    colour = RED if tensor.hurts else TEAL if tensor.reach is None else BLUE
    if tensor.greatest:
        axes.plot([tensor.p99, tensor.greatest], [row, row], color=colour, linewidth=1.2)
        axes.plot([tensor.p99, tensor.p999], [row, row], color=colour, linewidth=5, alpha=0.6, solid_capstyle="butt")
        axes.plot(tensor.p99, row, "o", color=colour, markersize=4)
    if tensor.reach:
        axes.plot(tensor.reach, row, "|", color=INK, markersize=8, markeredgewidth=1.2)
        across = axes.get_yaxis_transform()
        axes.text(FIGURES, row, f"{tensor.levels}", transform=across, color=colour, va="center", fontsize=SMALL)


def _short(tensor: AuditedTensor, found: Audit) -> str:
    """The tensor's name without what nearly all of them begin with."""
    family = found.tensors[0].name.partition(".")[0]
    name = re.sub(rf"^{re.escape(family)}\.(encoder\.)?", "", tensor.name)
    return f"{name}, {'in' if tensor.side == 'input' else 'out'}"


def _legend(found: Audit) -> list[Line2D]:
    bar: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 1.2}
    return [
        _key("99 % of the values (dot), 99.9 % (bar), the greatest (line)", TEAL, **bar),
        _key("the same, where it has an int8 range", BLUE, **bar),
        _key("the same, where it hurts", RED, **bar),
        _key(f"end of the int8 range; steps: of {STEPS}, for the 99 %", INK, marker="|", markersize=8, linestyle=""),
        _key("float16's limit", ORANGE, linestyle="-", linewidth=1.2),
        _key(f"1/{found.thresholds.headroom:g} of it", ORANGE, linestyle=":", linewidth=1),
    ]


def _key(label: str, colour: str, **looks: Any) -> Line2D:
    return Line2D([], [], color=colour, label=label, **looks)
