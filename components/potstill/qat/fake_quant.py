"""Fake quantisation: linears and embeddings that compute as int8 would while their float weights are trained."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from potstill import processes
from potstill.encoder.quantization import INT8, UINT8, Scales

SMALLEST_SCALE = 1e-8  # a row of zeros still needs a scale above 0
MOMENTUM = 0.05  # of the moving average of an input's range: about the last 20 batches count


def weight_scale(weight: Tensor) -> Tensor:
    """Scale of each row of a weight so that its largest magnitude is 127: (rows, columns) → (rows,)."""
    return (weight.detach().abs().amax(1) / INT8[1]).clamp_min(SMALLEST_SCALE)


def input_scale(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of an input's range; 0 is always in the range, so that padding stays exactly 0.

    Returns: scale > 0, zero point in [0, 255].

    Source: arXiv:1712.05877, section 3.1.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max((high - low) / UINT8[1], SMALLEST_SCALE)
    return scale, min(max(round(-low / scale), UINT8[0]), UINT8[1])


class QatLinear(nn.Module):
    """A linear whose weight and input are rounded to 8 bits; the gradient passes straight through the rounding.

    Source: arXiv:1712.05877.
    """

    low: Tensor
    high: Tensor
    seen: Tensor
    zeros: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.observing = True
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))
        self.register_buffer("zeros", torch.zeros(len(linear.weight), dtype=torch.int32), persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (…, in) float32 → (…, out) float32."""
        if self.observing:
            self._observe(hidden.detach())
        scale, zero = input_scale(float(self.low), float(self.high))
        hidden = torch.fake_quantize_per_tensor_affine(hidden.float(), scale, zero, *UINT8)
        weight = torch.fake_quantize_per_channel_affine(self.weight, weight_scale(self.weight), self.zeros, 0, *INT8)
        return functional.linear(hidden, weight, self.bias)

    def _observe(self, hidden: Tensor) -> None:
        # Of all rows of the batch, whichever process computes them.
        low, high = processes.highest(torch.stack([-hidden.min().float(), hidden.max().float()])).unbind()
        share = MOMENTUM if bool(self.seen) else 1.0
        self.low.lerp_(-low, share)
        self.high.lerp_(high, share)
        self.seen.fill_(value=True)

    def scales(self) -> Scales:
        """The scales as they stand now."""
        scale, zero = input_scale(float(self.low), float(self.high))
        return Scales(weight_scale(self.weight), scale, zero)


class QatEmbedding(nn.Module):
    """An embedding whose rows are rounded to 8 bits, each with its own scale."""

    zeros: Tensor

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self.weight, self.padding_idx = embedding.weight, embedding.padding_idx
        self.register_buffer("zeros", torch.zeros(len(embedding.weight), dtype=torch.int32), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (…) int64 → (…, columns) float32."""
        weight = torch.fake_quantize_per_channel_affine(self.weight, weight_scale(self.weight), self.zeros, 0, *INT8)
        return functional.embedding(ids, weight, self.padding_idx)

    def scales(self) -> Scales:
        """The scales as they stand now."""
        return Scales(weight_scale(self.weight))


QAT_MODULES = (QatLinear, QatEmbedding)


def prepare(model: PreTrainedModel) -> PreTrainedModel:
    """Replace every linear and embedding by its fake-quantised twin, which shares its weights."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear):
            _replace(model, name, QatLinear(module))
        elif isinstance(module, nn.Embedding):
            _replace(model, name, QatEmbedding(module))
    return model


def restore(model: PreTrainedModel) -> dict[str, Scales]:
    """Put plain linears and embeddings back, with the trained weights; → the scales by module name."""
    scales: dict[str, Scales] = {}
    for name, module in list(model.named_modules()):
        if isinstance(module, QAT_MODULES):
            scales[name] = module.scales()
            _replace(model, name, _plain(module))
    return scales


def observe(model: nn.Module, *, on: bool) -> None:
    """Let the ranges of inputs follow what is seen, or freeze them."""
    for module in model.modules():
        if isinstance(module, QatLinear):
            module.observing = on


def _plain(module: "QatLinear | QatEmbedding") -> nn.Module:
    rows, columns = module.weight.shape
    if isinstance(module, QatEmbedding):
        embedding = nn.Embedding(rows, columns, padding_idx=module.padding_idx)
        embedding.weight = module.weight
        return embedding
    linear = nn.Linear(columns, rows, bias=module.bias is not None)
    linear.weight, linear.bias = module.weight, module.bias
    return linear


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, module)
