"""What the page consists of, in order: each section with its template and what that is filled from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from potstill.prune import curve_table
from potstill.qat.audit import Audit, hurting, worst_first
from potstill.qat.audit import table as audit_table
from potstill.validate.facts import int8_ranges
from potstill.validate.report import classes, every_model, glossary
from potstill.validate.report.agreement import depth, least_agreement
from potstill.validate.report.made_by import made_by
from potstill.validate.report.notes import notes
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.pruning import pruning_curve
from potstill.validate.report.unmeasured import read_from_text, unmeasured
from potstill.validate.report.verdict import ordered

WORST = 5  # tensors that the words for a picture name
BUDGETS = 12  # in one table; of more, those that are met can be unfolded


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        anchor: its id; its template is `_<anchor>.html`.
        title: its heading, in the contents too.
        told: what the template knows as `it`.
    """

    anchor: str
    title: str
    told: Mapping[str, Any] = field(default_factory=dict)


def sections(figures: Mapping[str, Any], audit: Audit | None) -> list[Section]:
    """Return the sections that these figures have something for."""
    made = (
        Section("budgets", "Budgets", {"budgets": ordered(figures["budgets"]), "shown": BUDGETS}),
        Section(
            "models",
            "Every model",
            {"groups": every_model.groups(figures), "notes": [*notes(figures), *read_from_text(figures)]},
        ),
        _cost(figures),
        _speed(figures),
        _classes(figures),
        _reliability(figures),
        _robustness(figures),
        _agreement(figures),
        _worst(figures),
        _training(figures),
        _pruning(figures),
        _int8(figures, audit),
        Section("devices", "Devices", {"devices": figures["devices"]}) if figures["devices"] else None,
        _lineage(figures),
        Section("limits", "What was not measured", {"lines": unmeasured(figures)}),
        Section("glossary", "Glossary", {"words": glossary.WORDS}),
    )
    return [section for section in made if section]


def _present(plots: Sequence[Plot | None]) -> list[Plot]:
    return [each for each in plots if each]


def _cost(figures: Mapping[str, Any]) -> Section | None:
    from potstill.validate.report.plots.pareto import against_latency, against_size  # noqa: PLC0415 - matplotlib

    plots = _present([against_size(figures), against_latency(figures)])
    return Section("cost", "Accuracy and its cost", {"plots": plots}) if plots else None


def _speed(figures: Mapping[str, Any]) -> Section | None:
    from potstill.validate.report.plots.latency import by_length, distribution  # noqa: PLC0415
    from potstill.validate.report.plots.size_parts import size_by_part  # noqa: PLC0415

    plots = _present([distribution(figures), size_by_part(figures), *by_length(figures)])
    return Section("speed", "Size and speed", {"plots": plots}) if plots else None


def _classes(figures: Mapping[str, Any]) -> Section | None:
    from potstill.validate.report.plots.confusion import confusion_picture  # noqa: PLC0415

    found = classes.classes(figures)
    if not found:
        return None
    many = len(found) > classes.SMALL
    told = {
        "classes": found,
        "shown": classes.SMALL,
        "plots": [confusion_picture(figures)] if many else [],
        "top": classes.top_confusions(figures) if many else [],
    }
    return Section("classes", "Each class", told)


def _reliability(figures: Mapping[str, Any]) -> Section | None:
    from potstill.validate.report.plots.reliability import reliability  # noqa: PLC0415

    made = reliability(figures)
    return Section("calibration", "Calibration", {"plots": [made]}) if made else None


def _robustness(figures: Mapping[str, Any]) -> Section | None:
    from potstill.validate.report.plots.robustness import points_and_flips  # noqa: PLC0415

    plots = points_and_flips(figures)
    return Section("robustness", "Disturbed text", {"plots": plots, "found": figures["robustness"]}) if plots else None


def _agreement(figures: Mapping[str, Any]) -> Section | None:
    found = figures["agreement"]
    if len(found["names"]) < 2:
        return None
    least = least_agreement(found)
    told = {**found, "least": least, "depth": partial(depth, least=least)}
    return Section("agreement", "Agreement of the formats", told)


def _worst(figures: Mapping[str, Any]) -> Section | None:
    if figures["reference"] == figures["final"]:
        return None
    others = {name: rows for name, rows in figures["worst"].items() if name != figures["final"] and rows}
    told = {"rows": figures["worst"].get(figures["final"], []), "others": others}
    return Section("worst", "Worst disagreements", told)


def _training(figures: Mapping[str, Any]) -> Section | None:
    from potstill.validate.report.plots.training import told_in_words, training_curves  # noqa: PLC0415

    plots = training_curves(figures)
    said = told_in_words(figures)
    return Section("training", "Training", {"plots": plots, "said": said}) if plots or said else None


def _pruning(figures: Mapping[str, Any]) -> Section | None:
    from potstill.prune.curve_plot import draw  # noqa: PLC0415

    curve, clock = pruning_curve(figures)
    if curve is None:
        return None
    rows = curve_table.rows(curve)
    said = curve_table.notes(curve, clock)
    chosen = [place for place, point in enumerate(curve.points) if point.round == curve.chosen]
    words = "; ".join(
        f"{point.name}: {100 * point.accuracy:.2f} %, {point.parameters:,} parameters" for point in curve.points
    )
    made = plot("pruning-curve", "Accuracy over parameters and time", draw(curve, clock), words)
    return Section(
        "pruning", "Pruning", {"plot": made, "head": curve_table.HEAD, "rows": rows, "chosen": chosen, "notes": said}
    )


def _int8(figures: Mapping[str, Any], audit: Audit | None) -> Section | None:
    from potstill.qat.audit.plot import draw  # noqa: PLC0415

    if not figures["int8"]:
        return None
    told: dict[str, Any] = {"said": int8_ranges.told(figures["int8"]), "plot": None, "notes": [], "rows": []}
    if audit:
        words = _ranges(audit)
        told["plot"] = plot("int8-ranges", "Ranges of the tensors", draw(audit), words)
        told |= {"head": audit_table.HEAD, "rows": audit_table.rows(audit), "notes": audit_table.notes(audit)}
    return Section("int8", "int8 ranges", told)


def _ranges(audit: Audit) -> str:
    """The audit in words: how many tensors hurt, and how far the worst reach."""
    worst = [f"{each.title}: 99 % within {each.p99:.3g}, greatest {each.greatest:.4g}" for each in worst_first(audit)]
    hurt = len(hurting(audit))
    return f"{len(audit.tensors)} tensors; {hurt or 'none'} of them hurt. The worst: {'; '.join(worst[:WORST])}."


def _lineage(figures: Mapping[str, Any]) -> Section:
    from potstill.validate.report.plots.lineage import lineage_picture  # noqa: PLC0415

    return Section(
        "lineage",
        "Lineage",
        {"plots": [lineage_picture(figures)], "inputs": figures["lineage"], "made_by": made_by(figures)},
    )
