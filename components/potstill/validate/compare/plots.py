"""What moved, as a picture: each model's change with its interval, and what of it is more than luck."""

from potstill.measure.drawing import GREY, INK, RED, TEAL, panels, style
from potstill.validate.compare.comparison import Comparison
from potstill.validate.compare.movement import Movement
from potstill.validate.compare.titles import titled
from potstill.validate.report.numbers import points
from potstill.validate.report.plot import Plot, plot

ROW, AROUND = 0.32, 0.9  # inches: of a model, of the axis
LOOKS = {"worse": (RED, "v"), "better": (TEAL, "^"), "not significant": (GREY, "o")}


def movements_plot(found: Comparison) -> Plot:
    """Draw the change in accuracy of every model (points, with its interval), the final ones on top."""
    moved = found.movements
    with style("movements"):
        figure, [axes] = panels(7.2, AROUND + ROW * len(moved))
        axes.axvline(0, color=INK, linewidth=0.8)
        for row, each in enumerate(moved):
            colour, marker = LOOKS[kind(each, 1 - found.confidence)]
            axes.plot([100 * each.low, 100 * each.high], [row, row], color=colour, linewidth=1.6)
            axes.plot(100 * each.change, row, marker, color=colour, markersize=6)
        for name, (colour, marker) in LOOKS.items():
            axes.plot([], [], marker, color=colour, label=name)
        axes.set_yticks(range(len(moved)), [titled(each) for each in moved])
        axes.set(ylim=(len(moved) - 0.4, -0.6), xlabel="accuracy, B less A, in points")
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        figure.legend(loc="outside lower center", ncols=3, fontsize=9)
        told = "; ".join(_told(each, 1 - found.confidence) for each in moved)
        caption = f"Bars: {100 * found.confidence:g} % intervals. To the right, B is better."
        return plot("movements", "What moved", figure, told, caption)


def kind(each: Movement, alpha: float) -> str:
    """Say whether a model is worse, better, or neither by more than luck."""
    return {-1: "worse", 0: "not significant", 1: "better"}[each.moved(alpha)]


def _told(each: Movement, alpha: float) -> str:
    return f"{titled(each)}: {points(each.change)} points, {kind(each, alpha)}"
