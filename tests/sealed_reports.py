"""Sealed reports, made by hand: whose final model is wrong on given rows."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from potstill.artifacts import REPORT, TOKENS, seal

LABELS = ["体育", "财经"]
ROWS = 200
NOBODY = {"stage": "validate", "potstill": "0.1.0", "config": {"threads": 1}, "libraries": {"numpy": "2"}}


def made(
    folder: Path,
    wrong,
    *,
    final="onnx_int8",
    ids=None,
    labels=LABELS,
    truth=None,
    figures=None,
    size=6_000_000,
    disturbed=None,
    **more,
):
    """A sealed report whose final model, and one named `model`, are wrong on given rows; `more` is of its summary."""
    folder.mkdir(parents=True)
    ids = [f"row{place}" for place in range(ROWS)] if ids is None else ids
    truth = np.arange(len(ids)) % 2 if truth is None else truth
    predicted = np.where(np.isin(np.arange(len(ids)), list(wrong)), 1 - truth, truth)
    columns = {"row_id": ids, "label": truth.astype(np.int32)}
    for name in (final, "model"):
        columns |= {
            name: predicted.astype(np.int32),
            f"{name}_probability": np.linspace(0.5, 1, len(ids), dtype=np.float32),
        }
    pq.write_table(pa.table(columns), folder / "predictions.parquet")
    one = {"title": "One", "accuracy": float(np.mean(predicted == truth)), "macro_f1": 0.5, "ece": 0.1, "bytes": size}
    summary = {
        "rows": len(ids),
        "labels": labels,
        "final": final,
        "models": {final: one, "model": one, "control": {**one, "bytes": None}},
        "worst": {final: [{"row_id": "row1", "text": "国足\n一比零"}]},
        "robustness": {
            "rows": disturbed or len(ids),
            "seed": 0,
            "disturbances": [{"title": "Full width", "models": {final: {"accuracy": one["accuracy"]}}}],
        },
        "lineage": {"tokens": {"kind": TOKENS, "digest": "12" * 32, "licence": "MIT"}},
        **more,
    }
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    sealed = seal(folder, REPORT, NOBODY, {}, {"labels": labels, "rows": len(ids), "final": final})
    if figures:
        text = json.dumps({**figures, "report": sealed.digest})
        folder.with_name(f"{folder.name}.json").write_text(text, encoding="utf-8")
    return folder
