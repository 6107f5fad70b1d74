"""What a head and a neuron consist of: the weights that a cut takes away with them."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.prune.structure import Attention, FeedForward, attentions, feed_forwards


@dataclass(frozen=True)
class Units:
    """Heads of one attention, or neurons of one feed-forward network, and the weights that belong to one unit each.

    Attributes:
        number: how many units.
        rows: weights and biases whose rows the units own, in equal runs.
        columns: the weights whose columns they own, likewise. Their bias belongs to no unit and stays.
    """

    number: int
    rows: tuple[Tensor, ...]
    columns: tuple[Tensor, ...]

    def add_up(self, of: Callable[[Tensor], Tensor]) -> Tensor:
        """Return for each unit the sum over all its weights of what `of` makes of them elementwise: (units,) float32.

        Args:
            of: from a weight to a tensor of its shape.
        """
        rows = [of(each).reshape(self.number, -1).sum(1) for each in self.rows]
        columns = [of(each).T.reshape(self.number, -1).sum(1) for each in self.columns]
        total: Tensor = sum(rows[1:] + columns, rows[0])
        return total.float()


def units(model: PreTrainedModel) -> tuple[list[Units], list[Units]]:
    """Return the heads of every attention and the neurons of every feed-forward network, in `structure`'s order."""
    return [_heads(each) for each in attentions(model)], [_neurons(each) for each in feed_forwards(model)]


def _heads(attention: Attention) -> Units:
    """A head owns its rows of query, key and value, biases too, and its columns of the output."""
    rows = [parameter for each in (attention.query, attention.key, attention.value) for parameter in _both(each)]
    return Units(attention.heads, tuple(rows), (attention.output.weight,))


def _neurons(network: FeedForward) -> Units:
    """A neuron owns its row of the first linear, its bias, and its column of the second."""
    return Units(network.first.out_features, _both(network.first), (network.second.weight,))


def _both(linear: nn.Linear) -> tuple[Tensor, ...]:
    return (linear.weight, linear.bias) if linear.bias is not None else (linear.weight,)
