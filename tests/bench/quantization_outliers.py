"""A MobileBERT with outlier channels, as the published weights have them, that computes what it computed before.

MobileBERT's NoNorm scales and shifts but does not normalise, so a channel of the residual stream may grow without
bound. Ours are too young for that. Here a few channels are multiplied by a power of two wherever they are written, and
divided by it wherever they are read: the float model answers the same, bit for bit, and int8 meets the ranges that
published weights have (90 → 49 %: tensorflow#44306).
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import MobileBertForSequenceClassification

from potstill.artifacts import CHECKPOINT, expect, is_sealed, seal
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.qat import QatConfig

CHANNELS = 4
FACTOR = 2.0**8


def with_outliers(checkpoint: Path, out: Path) -> Path:
    """Write the checkpoint with CHANNELS channels of its residual stream FACTOR times as large, unless it is there."""
    if is_sealed(out):
        return out
    source, model = expect(checkpoint, CHECKPOINT), load_classifier(checkpoint)
    assert isinstance(model, MobileBertForSequenceClassification)
    ids = torch.arange(5, 21)[None]
    with torch.inference_mode(), creating(out, CHECKPOINT, checkpoint):
        before = model(ids).logits
        widen(model)
        if not torch.equal(model(ids).logits, before):
            raise AssertionError("outliers changed what the model answers")
        save_checkpoint(model, checkpoint, out)
        seal(out, CHECKPOINT, maker("bench", QatConfig()), {"student": source}, source.meaning)
    return out


def widen(model: MobileBertForSequenceClassification) -> None:
    """Multiply the channels where they are written, and divide them where they are read."""
    for tensor in written(model):
        tensor[..., :CHANNELS] *= FACTOR
    for linear in read(model):
        linear.weight[:, :CHANNELS] /= FACTOR


def written(model: MobileBertForSequenceClassification) -> Iterator[Tensor]:
    """Yield what writes to the residual stream, channels last."""
    embeddings = model.mobilebert.embeddings
    yield from (embeddings.position_embeddings.weight, embeddings.token_type_embeddings.weight)
    writers = [(embeddings.embedding_transformation, embeddings.LayerNorm)]
    writers += [(layer.output.bottleneck.dense, layer.output.bottleneck.LayerNorm) for layer in layers(model)]
    for linear, norm in writers:
        yield from (linear.weight.T, linear.bias, norm.bias)


def read(model: MobileBertForSequenceClassification) -> Iterator[nn.Linear]:
    """Yield the linears that read the residual stream."""
    for layer in layers(model):
        yield from (layer.bottleneck.input.dense, layer.bottleneck.attention.dense, layer.attention.self.value)
    yield model.mobilebert.pooler.dense


def layers(model: MobileBertForSequenceClassification) -> nn.ModuleList:
    """The layers of the encoder."""
    return model.mobilebert.encoder.layer
