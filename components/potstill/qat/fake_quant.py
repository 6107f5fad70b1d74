"""Fake quantisation: linears and embeddings that compute as int8 would while their float weights are trained."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from potstill.encoder.int8_weights import has_few_rows, weighted_modules
from potstill.encoder.quantization import INT8, Scales, weight_scale
from potstill.qat.following import FollowingInput
from potstill.qat.learned import LearnedInput, LearnedRows, LearnedScale, lsq
from potstill.qat.rounding import round_entries, round_weight

Range = tuple[float, float]  # least and greatest value of an input


class QatLinear(nn.Module):
    """A linear whose weight and input are rounded to 8 bits, and whose float weight is trained.

    Source: arXiv:1712.05877; arXiv:2211.10438 (smoothing).
    """

    smoothing: Tensor | None

    def __init__(self, linear: nn.Linear, seen: Range, smoothing: Tensor | None = None, *, learned: bool) -> None:
        """Take a linear's weight and bias.

        Args:
            linear: the linear.
            seen: where the range of its input begins; after the smoothing.
            smoothing: (in,) float32, what the input is divided by; None: by nothing.
            learned: whether scales are trained, or follow what is seen.
        """
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.register_buffer("smoothing", smoothing)
        columns = linear.in_features
        self.input = LearnedInput(*seen, columns) if learned else FollowingInput(*seen)
        self.rows = LearnedRows(weight_scale(self._smoothed()), columns) if learned else None

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (…, in) float32 → (…, out) float32."""
        hidden = hidden.float() if self.smoothing is None else hidden.float() * (1 / self.smoothing)
        return functional.linear(self.input(hidden), self._rounded(), self.bias)

    def scales(self) -> Scales:
        """The scales as they stand now."""
        return Scales(_row_scales(self._smoothed(), self.rows), *self.input.scale(), self.smoothing)

    def _rounded(self) -> Tensor:
        weight = self._smoothed()
        if self.rows is not None and self.rows.observing:
            return lsq(weight, self.rows(), INT8)
        return round_weight(weight, _row_scales(weight, self.rows))

    def _smoothed(self) -> Tensor:
        return self.weight if self.smoothing is None else self.weight * self.smoothing


class QatEmbedding(nn.Module):
    """An embedding whose rows are rounded to 8 bits, each with its own scale."""

    def __init__(self, embedding: nn.Embedding, *, learned: bool) -> None:
        """Take an embedding's weight; learned: whether scales are trained, or follow the weight."""
        super().__init__()
        self.weight, self.padding_idx = embedding.weight, embedding.padding_idx
        self.rows = LearnedRows(weight_scale(self.weight), embedding.embedding_dim) if learned else None

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (…) int64 → (…, columns) float32."""
        which = ids.flatten()
        # Only what is looked up is rounded: a batch has far fewer tokens than the vocabulary.
        entries = functional.embedding(which, self.weight, self.padding_idx)
        if self.rows is None:
            rounded = round_entries(entries, weight_scale(entries))
        else:
            rounded = lsq(entries, self.rows(which), INT8)
        return rounded.view(*ids.shape, -1)

    def scales(self) -> Scales:
        """The scales as they stand now."""
        return Scales(_row_scales(self.weight, self.rows))


TWINS = (QatLinear, QatEmbedding)
OBSERVERS = (FollowingInput, LearnedScale)


def prepare(
    model: PreTrainedModel, ranges: Mapping[str, Range], smoothing: Mapping[str, Tensor], *, learned: bool
) -> PreTrainedModel:
    """Replace linears and embeddings by their fake-quantised twins, which share their weights, in place.

    Tables of few rows stay float, and are trained as such.

    Args:
        model: the float model.
        ranges: by name of the linear, where the range of its input begins; a linear without one stays float.
        smoothing: by name of the linear, what its input is divided by, (in,) float32.
        learned: whether scales are trained (LSQ), or follow what is seen.
    """
    for name, module in weighted_modules(model).items():
        if isinstance(module, nn.Linear) and name in ranges:
            model.set_submodule(name, QatLinear(module, ranges[name], smoothing.get(name), learned=learned))
        elif isinstance(module, nn.Embedding) and not has_few_rows(module):
            model.set_submodule(name, QatEmbedding(module, learned=learned))
    return model


def observe(model: nn.Module, *, on: bool) -> None:
    """Let ranges follow what is seen and scales be trained, or let them stand still."""
    for module in model.modules():
        if isinstance(module, OBSERVERS):
            module.observing = on


def settle(model: PreTrainedModel) -> dict[str, Scales]:
    """Put plain linears and embeddings back, with the trained weights; → the scales by module name.

    Raises:
        ValueError: something still observes: the next batch would move what is settled here.
    """
    moving = [name for name, module in model.named_modules() if isinstance(module, OBSERVERS) and module.observing]
    if moving:
        names = ", ".join(moving[:3])
        raise ValueError(
            f"{len(moving)} ranges and scales still observe ({names}…); call observe(model, on=False) first"
        )
    scales: dict[str, Scales] = {}
    for name, module in list(model.named_modules()):
        if isinstance(module, TWINS):
            scales[name] = module.scales()
            model.set_submodule(name, _plain(module))
    return scales


def _row_scales(weight: Tensor, rows: LearnedRows | None) -> Tensor:
    return weight_scale(weight) if rows is None else rows().detach()


def _plain(module: "QatLinear | QatEmbedding") -> nn.Module:
    rows, columns = module.weight.shape
    if isinstance(module, QatEmbedding):
        embedding = nn.Embedding(rows, columns, padding_idx=module.padding_idx, device="meta")
        embedding.weight = module.weight
        return embedding
    linear = nn.Linear(columns, rows, bias=module.bias is not None, device="meta")
    linear.weight, linear.bias = module.weight, module.bias
    return linear
