"""exports.md: what the folder holds, how near each package is to PyTorch, and advice for the Neural Engine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from potstill.coreml.inspection.facts import Remark
from potstill.markdown import table
from potstill.measure.size import MEGABYTE, size_on_disk

TABLE = "exports.md"
ON_LENGTHS = ("flexible length", "enumerated lengths")  # what a remark on them is called


def write_table(folder: Path, meaning: Mapping[str, Any], advice: Mapping[str, tuple[Remark, ...]]) -> None:
    """Write the tables.

    Args:
        folder: with the packages.
        meaning: what the artifact is to be sealed with.
        advice: on each package, by format.
    """
    text = f"{_packages(folder, meaning)}\n\n{_neural_engine(advice)}\n"
    (folder / TABLE).write_text(text, encoding="utf-8")


def on_lengths(advice: Mapping[str, tuple[Remark, ...]]) -> list[str]:
    """Return what is to be said at once: the remarks on lengths, which are the same for every package."""
    return sorted({each.text for remarks in advice.values() for each in remarks if each.subject in ON_LENGTHS})


def _packages(folder: Path, meaning: Mapping[str, Any]) -> str:
    rows = []
    for name, file in meaning["formats"].items():
        parity, size = meaning["parity"][name], size_on_disk(folder / file) / MEGABYTE
        compressed = meaning["compressed_weights"].get(name, 0)
        gap, agreement = f"{parity['max_abs_logit']:.2g}", f"{100 * parity['agreement']:.2f} %"
        rows.append([name, f"`{file}`", f"{size:.2f}", compressed, gap, agreement])
    header = ["format", "file", "MB", "weights compressed", "greatest difference", "agreement"]
    compared = next(iter(meaning["parity"].values()))["rows"]
    return (
        f"# Core ML for {meaning['target']}, texts of {meaning['length']} tokens, layout {meaning['layout']}\n\n"
        f"Each package was executed on {compared} rows of the test split, beside PyTorch with weights rounded "
        f"likewise.\n\n{table(header, rows)}"
    )


def _neural_engine(advice: Mapping[str, tuple[Remark, ...]]) -> str:
    """Tell each remark once, and of which packages it is true."""
    told: dict[Remark, list[str]] = {}
    for name, remarks in advice.items():
        for each in remarks:
            told.setdefault(each, []).append(name)
    said = "\n".join(_said(each, names) for each, names in told.items()) or "Nothing is known that would."
    head = "## What may keep a package off the Neural Engine\n\nTold from the packages alone: no device took part."
    return f"{head}\n\n{said}"


def _said(remark: Remark, names: Sequence[str]) -> str:
    return f"* **{remark.subject}** ({', '.join(names)}): {remark.text} [Source]({remark.source})"
