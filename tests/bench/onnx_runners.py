"""Opening what bench_onnx compares, each as its users open it: one thread, and a batch in."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from potstill.data.batches import Batch
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.onnx_session import INPUTS, feed, open_session
from potstill.onnx_export.files.torchscript_file import open_torchscript

Prepare = Callable[[Batch], Callable[[], Any]]  # takes a batch; what it returns does the model's own work and no other
EAGER, COMPILED, SCRIPT, ORT = "eager", "compiled", "script", "onnxruntime"


def opened(way: str, path: Path) -> Prepare:
    """Open a model.

    Args:
        way: EAGER or COMPILED, of a checkpoint's folder; SCRIPT or ORT, of a file.
        path: the folder or the file.

    Returns: what prepares a batch; its calls return the logits, (rows, labels) float32.
    """
    return {EAGER: _eager, COMPILED: _compiled, SCRIPT: _script, ORT: _onnxruntime}[way](path)


def way_of(file: Path) -> str:
    """Return who runs a file: TorchScript's are .pt, onnxruntime's .onnx and .ort; "" for what nobody runs."""
    return {".pt": SCRIPT, ".onnx": ORT, ".ort": ORT}.get(file.suffix, "")


def row_of(tokens: int, rows: int = 1) -> Batch:
    """Return a batch without padding; which words it holds does not change the time."""
    ids = np.random.default_rng(0).integers(5, 1_000, (rows, tokens))
    return Batch(np.arange(rows), ids, np.ones_like(ids), np.zeros(rows, np.int64))


def why_not_compiled() -> str:
    """Return why torch.compile does not work here: it needs a C++ compiler; "" where it works."""
    try:
        torch.compile(torch.sin)(torch.ones(8))
    except RuntimeError as broken:  # all that torch raises while it compiles are of this kind
        return str(broken).strip().partition("\n")[0]
    return ""


def _onnxruntime(path: Path) -> Prepare:
    session = open_session(path)
    names = {each.name for each in session.get_inputs()}

    def prepare(batch: Batch) -> Callable[[], Any]:
        inputs = feed(names, batch)
        return lambda: session.run(["logits"], inputs)[0]

    return prepare


def _eager(path: Path) -> Prepare:
    return partial(_prepared, load_classifier(path))


def _compiled(path: Path) -> Prepare:
    # For each shape anew: the fastest that it can be.
    return partial(_prepared, torch.compile(load_classifier(path), dynamic=False))


def _prepared(model: Any, batch: Batch) -> Callable[[], Any]:
    inputs = {"input_ids": torch.from_numpy(batch.input_ids), "attention_mask": torch.from_numpy(batch.attention_mask)}

    def call() -> Any:
        with torch.inference_mode():
            return model(**inputs).logits.numpy()

    return call


def _script(path: Path) -> Prepare:
    run = open_torchscript(path)

    def prepare(batch: Batch) -> Callable[[], Any]:
        return partial(run, feed(set(INPUTS), batch))

    return prepare
