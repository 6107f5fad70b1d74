"""exports.md: what the folder holds, how near each file is to PyTorch, and what became of the nodes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from potstill.markdown import table
from potstill.measure.size import MEGABYTE, size_on_disk
from potstill.onnx_export.config import FP32, INT8_QDQ, SAFETENSORS, TORCHSCRIPT
from potstill.onnx_export.files.hub_folder import is_stock

TABLE = "exports.md"
COMMON = 12  # operators with a row of their own; the others share one
ANY_RUNTIME = (FP32, INT8_QDQ)  # standard operators only


def write_table(folder: Path, meaning: Mapping[str, Any]) -> None:
    """Write the tables.

    Args:
        folder: with the files.
        meaning: what the artifact is to be sealed with.
    """
    parts = [_files(folder, meaning), _int8(meaning), _nodes(meaning["nodes"]), _usability(meaning["mobile"])]
    (folder / TABLE).write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")


def _files(folder: Path, meaning: Mapping[str, Any]) -> str:
    rows = []
    for name, file in meaning["formats"].items():
        parity, size = meaning["parity"][name], size_on_disk(folder / file) / MEGABYTE
        nodes = f"{sum(meaning['nodes'][name].values())}" if name in meaning["nodes"] else "–"
        running = meaning["running_nodes"].get(name, "–")
        gap, agreement = f"{parity['max_abs_logit']:.2g}", f"{100 * parity['agreement']:.2f} %"
        rows.append([name, f"`{file}`", f"{size:.2f}", gap, agreement, nodes, running, _opened_by(name, folder / file)])
    header = ["format", "file", "MB", "greatest difference", "agreement", "nodes", "nodes that run", "opened by"]
    compared = next(iter(meaning["parity"].values()))["rows"]
    return (
        f"# {meaning['task']}, opset {meaning['opset']}, int8 for {meaning['target']}\n\n"
        f"Each file ran on {compared} rows of the test split, beside PyTorch.\n\n{table(header, rows)}"
    )


def _opened_by(name: str, file: Path) -> str:
    if name == TORCHSCRIPT:
        return "torch.jit"
    if name == SAFETENSORS:
        return "transformers, potstill" if is_stock(file.parent) else "potstill"
    return "any ONNX runtime" if name in ANY_RUNTIME else "onnxruntime"


def _int8(meaning: Mapping[str, Any]) -> str:
    lines = []
    for name, linears in meaning["int8_operators"].items():
        uses = Counter(operator for operators in linears.values() for operator in operators)
        told = ", ".join(f"{count} by {operator}" for operator, count in sorted(uses.items()))
        used = f"{len(linears)} linears" + (f", used {uses.total()} times" if uses.total() > len(linears) else "")
        lines.append(f"* `{name}`: {used}: {told or 'none'}.")
    title = "## What onnxruntime computes in int8 (by name in artifact.json, `int8_operators`)"
    return f"{title}\n\n" + "\n".join(lines) if lines else ""


def _nodes(steps: Mapping[str, Mapping[str, int]]) -> str:
    """By operator how many nodes each step has; those with most nodes first."""
    steps = _without_repeats(steps)
    totals: dict[str, int] = {}
    for counts in steps.values():
        for operator, count in counts.items():
            totals[operator] = max(totals.get(operator, 0), count)
    operators = sorted(totals, key=lambda operator: (-totals[operator], operator))
    rows: list[Sequence[object]] = [[name, *_counts(steps, [name])] for name in operators[:COMMON]]
    rows += [[f"{len(operators) - COMMON} others", *_counts(steps, operators[COMMON:])]] if operators[COMMON:] else []
    rows.append(["**all**", *_counts(steps, operators)])
    return f"## Nodes, step by step\n\n{table(['operator', *steps], rows)}" if steps else ""


def _without_repeats(steps: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    """Tell the step that fp32 is written of by that name alone: as it was traced, or after onnxslim."""
    return {FP32 if counts == steps.get(FP32) else step: counts for step, counts in steps.items()}


def _counts(steps: Mapping[str, Mapping[str, int]], operators: Iterable[str]) -> list[int | str]:
    names = list(operators)
    return [sum(counts.get(name, 0) for name in names) or "–" for counts in steps.values()]


def _usability(mobile: Mapping[str, Any]) -> str:
    parts = [f"### `{name}`\n\n" + "\n".join(f"* {line}" for line in each["advice"]) for name, each in mobile.items()]
    return "## On a phone\n\n" + "\n\n".join(parts) if parts else ""
