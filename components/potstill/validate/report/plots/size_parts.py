"""What a file is made of: embeddings, encoder, head, and the rest."""

from collections.abc import Mapping
from typing import Any

from potstill.measure.drawing import BLUE, GREY, INK, ORANGE, TEAL, panels, style
from potstill.measure.size import MEGABYTE
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.plots.looks import WIDTH, title

ROW, AROUND = 0.42, 1.0  # inches: of a model, of axis and legend
PARTS = {"embeddings": (BLUE, ""), "encoder": (TEAL, "////"), "head": (ORANGE, "xxxx"), "other": (GREY, "....")}


def size_by_part(figures: Mapping[str, Any]) -> Plot | None:
    """Draw a bar of megabytes for each model, in parts; None where no model's parts are known."""
    models = {name: model for name, model in figures["models"].items() if sum((model["size_parts"] or {}).values())}
    if not models:
        return None
    names = list(models)
    with style("size-parts"):
        figure, [axes] = panels(WIDTH, AROUND + ROW * len(names))
        ends = [0.0] * len(names)
        for part, (colour, hatch) in PARTS.items():
            widths = [models[name]["size_parts"].get(part, 0) / MEGABYTE for name in names]
            axes.barh(
                range(len(names)),
                widths,
                0.62,
                ends,
                facecolor=colour,
                edgecolor=INK,
                hatch=hatch,
                linewidth=0.4,
                label=part,
            )
            ends = [end + width for end, width in zip(ends, widths, strict=True)]
        for row, end in enumerate(ends):
            axes.annotate(f"{end:.1f}", (end, row), (5, 0), textcoords="offset points", va="center", fontsize=9)
        axes.set_yticks(range(len(names)), [title(models, name) for name in names])
        axes.set(ylim=(len(names) - 0.4, -0.6), xlabel="MB on disk", xlim=(0, 1.14 * max(ends)))
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        figure.legend(loc="outside lower center", ncols=4, fontsize=9, handlelength=2.6, handleheight=1.1)
        told = "; ".join(f"{model['title']}: {_told(model['size_parts'])}" for model in models.values())
        made = plot("size-parts", "Size by part", figure, told, "Head and other are often too thin to be seen.")
        rows = [(str(model["title"]), *_cells(model["size_parts"])) for model in models.values()]
        return made.with_figures(("model", *(f"{part}, MB" for part in PARTS)), rows)


def _cells(parts: Mapping[str, int]) -> list[str]:
    return [f"{parts.get(part, 0) / MEGABYTE:.2f}" for part in PARTS]


def _told(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{part} {size / MEGABYTE:.2f} MB" for part, size in parts.items())
