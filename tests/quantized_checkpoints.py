"""Tiny real checkpoints of every kind of scales that qat can leave: static, smoothed, mixed, learned, dynamic."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from potstill.artifacts import CHECKPOINT, seal
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.encoder.int8_weights import weighted_modules
from potstill.encoder.quantization import CONFIG_KEY, Scales, scale_tensors
from potstill.encoder.scale_checks import FLOAT_EMBEDDINGS, FLOAT_LINEARS
from potstill.output_folder import creating
from potstill.qat.config import QatConfig
from potstill.qat.post_training import calibrated, post_training_scales
from tests.conftest import LABELS, MAKER, OPEN

FLOAT_PARTS = ("layer.0.attention.self.value", "layer.1.output.dense", "pooler.dense")  # of the mixed ones


def make_scales(checkpoint: Path, tokens: Path, kind: str) -> dict[str, Scales]:
    """Return scales calibrated on the test rows.

    Args:
        checkpoint: a float one.
        tokens: to calibrate on.
        kind: any of the words static or dynamic, smoothed, mixed, learned, in one text.
    """
    config = QatConfig(method=kind.split(maxsplit=1)[0], smoothing=0.5 if "smoothed" in kind else 0.0)
    model = load_classifier(checkpoint)
    scales = post_training_scales(model, calibrated(model, read_split(tokens, TEST), config))
    if "mixed" in kind:
        scales = {name: each for name, each in scales.items() if not name.endswith(FLOAT_PARTS)}
    if "learned" in kind:
        scales = {name: _trained(each, seed) for seed, (name, each) in enumerate(scales.items())}
    return scales


def _trained(scales: Scales, seed: int) -> Scales:
    """Learned steps are anywhere near the extremes: some rows are clipped, some waste a part of their grid."""
    generator = torch.Generator().manual_seed(seed)
    factor = 0.8 + 0.4 * torch.rand(scales.weight.shape, generator=generator)
    return replace(scales, weight=(scales.weight * factor).half().float())


def write_scaled(folder: Path, checkpoint: Path, scales: Mapping[str, Scales], model: nn.Module | None = None) -> Path:
    """Seal a checkpoint/v1 with these scales; its weights are the checkpoint's, or the model's."""
    model = model or load_classifier(checkpoint)
    plain = weighted_modules(load_classifier(checkpoint))
    unscaled = {name: module for name, module in plain.items() if name not in scales}
    kinds = {FLOAT_LINEARS: nn.Linear, FLOAT_EMBEDDINGS: nn.Embedding}
    layout = {told: [name for name, each in unscaled.items() if isinstance(each, kind)] for told, kind in kinds.items()}
    setattr(model.config, CONFIG_KEY, layout)
    with creating(folder, CHECKPOINT):
        save_checkpoint(model, checkpoint, folder, scale_tensors(scales))
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN).path
