"""The card's sections, each from the figures alone."""

from collections.abc import Mapping
from typing import Any

from potstill.measure.table import markdown_table, research_only
from potstill.validate.budgets.measuring import INFORMATION_LOST
from potstill.validate.card.escaping import plain, table
from potstill.validate.gate import INCONCLUSIVE, PASS

Figures = Mapping[str, Any]
WEAKEST = 3
OF_DEVICES = (
    ("p50", "p50_ms", "ms"),
    ("p95", "p95_ms", "ms"),
    ("memory", "memory_mb", "MB"),
    ("cold start", "cold_start_ms", "ms"),
)
VERDICTS = {
    PASS: "meets every budget that it was held to",
    INCONCLUSIVE: "cannot be told from one beyond its budgets on so few test rows; that is not a pass",
}


def banner(figures: Figures) -> str:
    """The restriction that must stand before all else; else nothing."""
    return "\n".join(f"**{plain(line)}**" for line in research_only(figures))


def verdict(figures: Figures) -> str:
    """The verdict and what it fails for."""
    said = VERDICTS.get(figures["verdict"], "does not meet every budget that it was held to")
    lines = [f"**Verdict: {figures['verdict']}.** {_title(figures)} {said}."]
    return "\n".join([*lines, "", *(f"- {plain(each)}" for each in figures["failures"])]).rstrip()


def what_it_is(figures: Figures) -> str:
    """The model in three sentences."""
    models, labels = figures["models"], figures["labels"]
    shown = ", ".join(plain(label) for label in labels)
    told = f"A text classifier with {len(labels):,} labels, made for phones: {shown}."
    final = models[figures["final"]]
    if final["bytes"] is not None:
        told += f" The file that ships is {final['title']}, {final['bytes']:,} bytes"
        told += f" for {final['parameters']:,} parameters." if final["parameters"] else "."
    if figures["reference"] == "teacher" and "student" in models:
        told += " It was distilled from a larger teacher, which the losses below are counted against."
    return told


def figures_table(figures: Figures) -> str:
    """The table of every format; the restriction stands above already."""
    text = markdown_table(figures, list(figures["models"]))
    for line in research_only(figures):
        text = text.removeprefix(f"**{line}**\n").lstrip("\n")
    return text


def budgets(figures: Figures) -> str:
    """Every budget held against every model."""
    rows = [[each[key] for key in ("verdict", "name", "model", "measured", "wanted")] for each in figures["budgets"]]
    return table(["verdict", "budget", "model", "measured", "wanted"], rows)


def limits(figures: Figures) -> str:
    """Where it is weak: its weakest classes, the worst disturbance, its calibration."""
    final = figures["models"][figures["final"]]
    lines = [
        "It knows the labels above and nothing else: it answers one of them for every text, an empty one included."
    ]
    weakest = sorted((each for each in final["per_class"] if each["support"]), key=lambda each: each["f1"])[:WEAKEST]
    if weakest:
        lines.append(f"Weakest classes: {'; '.join(_class(each) for each in weakest)}.")
    lines += _disturbed(figures)
    if final["ece"] is not None:
        lines.append(f"Expected calibration error of its probabilities: {final['ece']:.4f} (15 bins).")
    if final["unk_rate"] is not None:
        lines.append(f"{100 * final['unk_rate']:.2f} % of the test split's tokens are unknown to its tokenizer.")
    return "\n".join(f"- {line}" for line in lines)


def _class(told: Mapping[str, Any]) -> str:
    shares = f"F1 {told['f1']:.3f}, recall {100 * told['recall']:.1f} %"
    return f"{plain(told['label'])}: {shares}, {told['support']:,} rows"


def _disturbed(figures: Figures) -> list[str]:
    found, final = figures["robustness"], figures["final"]
    tested = [each for each in (found or {}).get("disturbances", []) if final in each["models"]]
    kept = [each for each in tested if each["name"] not in INFORMATION_LOST]
    if not kept:
        return ["How it bears misspelt or otherwise disturbed texts was not measured."]
    worst = max(kept, key=lambda each: each["models"][final]["lost"])
    shares = worst["models"][final]
    change = f"from {100 * shares['clean']:.2f} % to {100 * shares['accuracy']:.2f} %"
    told = f"The worst disturbance of {len(kept)}, {plain(worst['title'])}, changes its accuracy {change}"
    return [f"{told} ({found['rows']:,} rows)."]


def lineage(figures: Figures) -> str:
    """What it was made from, by digest."""
    rows = [
        [name, each["kind"], each["stage"], each["licence"], each["digest"]]
        for name, each in figures["lineage"].items()
    ]
    licence = f"Licence of the whole: {plain(figures['licence']['expression'])} ({plain(figures['licence']['use'])})."
    report = f"Sealed report with every prediction: `{figures['report']}`."
    return "\n\n".join([table(["input", "kind", "made by", "licence", "SHA-256"], rows), licence, report])


def how_measured(figures: Figures) -> str:
    """What was measured how, and what was not measured at all."""
    reference = figures["models"][figures["reference"]]["title"]
    lines = [
        *_rows(figures),
        f"Losses are counted against {reference}, row by row, with exact one-sided bounds.",
    ]
    devices = figures.get("devices") or []
    lines += [_device(each) for each in devices]
    if not devices:
        lines.append("No phone was measured: times and memory are those of the machine that made this report.")
    if any(name.startswith("coreml_") for name in figures["models"]):
        lines.append("Core ML packages were executed without a Mac: their labels are measured, their times are not.")
    lines.append("Energy, heat, what training emitted, and fairness between groups of people were not measured.")
    return "\n".join(f"- {line}" for line in lines)


def _rows(figures: Figures) -> list[str]:
    """On how many rows what was measured."""
    rows, whole = figures["rows"], figures.get("whole_rows", figures["rows"])
    judged = (
        f"the {rows:,} rows of the test split" if rows == whole else f"{rows:,} of {whole:,} test rows: a quick look"
    )
    lines = [f"Accuracy, F1, calibration, agreement and losses are of {judged}; no stage learned from the test split."]
    timed = figures["latency"]
    if timed.get("models"):
        lines.append(f"Latency is of {timed['rows']:,} of them, one at a time on one thread.")
    return lines


def _device(told: Mapping[str, Any]) -> str:
    system = f", {told['system']}" if told["system"] else ""
    values = [f"{name} {told[key]:.2f} {unit}" for name, key, unit in OF_DEVICES if told[key] is not None]
    return f"{plain(told['device'] + system)}, {told['model']}: {', '.join(values)} (given, not measured here)."


def _title(figures: Figures) -> str:
    return str(figures["models"][figures["final"]]["title"])
