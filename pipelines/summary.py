"""What a local run leaves for a person: stable paths, summary.json, and the table."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.delivery import JUDGED
from pipelines.stable_paths import hand_over, link
from potstill.artifacts import MANIFEST, SIGNATURE, is_sealed, sha256_of
from potstill.commands import STAGES
from potstill.evidence.index import read_index
from potstill.evidence.layout import INDEX
from potstill.measure.table import text_table
from potstill.validate.figures import read_figures
from potstill.validate.gate import PASS

METRICS = "_metrics"  # output names end so, after the stage's name
SUMMARY = "summary.json"
BUNDLE = "bundle"  # the output of sign
FIGURES = "figures"  # of validate
# What a person opens needs a name that says how.
FILES = {"page": "page.html", "markdown": "markdown.md", "card": "card.md", "judgement": "verdict.json"}


def newest(root: Path, stage: str) -> Path | None:
    """Find where a stage wrote last.

    Args:
        root: of all KFP runs, whose folders are named by time.
        stage: its name.
    """
    return max(root.glob(f"*/{stage}"), default=None)


def bundle_of(signed: Path | None) -> Path | None:
    """Take what sign wrote, if it came to its end; a condition's steps are no outputs of their pipeline."""
    bundle = signed / BUNDLE if signed else None
    return bundle if bundle and (bundle / SIGNATURE).is_file() else None


def figures_of(judged: Path | None) -> dict[str, Path]:
    """Take what validate wrote in a run that a later step failed, if it came to its end."""
    figures = judged / FIGURES if judged else None
    return {FIGURES: figures} if figures and figures.is_file() else {}


def finish(folder: Path, outputs: Mapping[str, Any], failed: Mapping[str, Path], beside: Mapping[str, Path]) -> int:
    """Give the outputs stable paths, write summary.json, print the table and the paths.

    Args:
        folder: of the run.
        outputs: the pipeline's outputs, KFP artifacts by name; empty when a step failed.
        failed: where the figures are when the gate, or a step after validate, failed the run.
        beside: what is no output, by name: what the run began with, and the bundle.

    Returns: 0 when the verdict is a pass, or was overridden and released; 1 otherwise, and when a step failed.
    """
    paths = {name: Path(each.path) for name, each in outputs.items()} if outputs else _named(failed)
    results = {name: path for name, path in paths.items() if not name.endswith(METRICS)} | dict(beside)
    places = {name: folder / FILES.get(name, name) for name in results}
    for name, path in results.items():
        (hand_over if name == BUNDLE else link)(path, places[name])
    if FIGURES not in paths:
        return 1
    figures = read_figures(paths[FIGURES])
    summary = {
        "verdict": figures["verdict"],
        "failures": figures["failures"],
        "licence": figures["licence"],
        "models": figures["models"],
        "latency": figures["latency"],
        "seconds": _seconds(outputs),
        "digests": {name: sha256_of(path / MANIFEST) for name, path in sorted(paths.items()) if is_sealed(path)},
        "paths": {name: str(place) for name, place in sorted(places.items())},
    }
    (folder / SUMMARY).write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    _tell(figures, places, folder)
    return 0 if outputs and (figures["verdict"] == PASS or BUNDLE in beside) else 1


def _named(failed: Mapping[str, Path]) -> dict[str, Path]:
    """All that validate left, where the gate failed the run: KFP puts one step's outputs into one folder."""
    if FIGURES not in failed:
        return {}
    folder = failed[FIGURES].parent
    return {name: folder / name for name in JUDGED if (folder / name).exists()}


def _seconds(outputs: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of each stage, as KFP's metrics tell them; a cached stage's are those of the run that made it."""
    return {stage: outputs[_metrics(stage)].metadata.get("seconds", 0.0) for stage in stages_of(outputs)}


def stages_of(outputs: Mapping[str, Any]) -> list[str]:
    """The stages that a pipeline's outputs come from, in the order of the path."""
    return [stage for stage in STAGES if _metrics(stage) in outputs]


def _metrics(stage: str) -> str:
    return stage.replace("-", "_") + METRICS


def _tell(figures: Mapping[str, Any], places: Mapping[str, Path], folder: Path) -> None:
    print(f"\n{text_table(figures)}\n")
    print(f"verdict   {figures['verdict']}")
    for failure in figures["failures"]:
        print(f"          {failure}")
    if BUNDLE in places and (reason := read_index((places[BUNDLE] / INDEX).read_bytes(), BUNDLE).override):
        print(f"released  against its verdict: {reason}")
    rows = {"report": "page", "card": "card", "ONNX": "onnx", "Core ML": "package", "PyTorch": "quantized"}
    rows |= {"bundle": BUNDLE}
    for title, name in rows.items():
        if name in places:
            print(f"{title:<9} {places[name]}")
    print(f"{'figures':<9} {folder / SUMMARY}")
    sys.stdout.flush()
