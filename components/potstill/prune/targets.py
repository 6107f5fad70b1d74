"""How small a model is, in each unit that a target can be given in, and how far along the way a round should be."""

from collections.abc import Iterator
from dataclasses import dataclass

from transformers import PretrainedConfig

from potstill.errors import OptionError
from potstill.latency_table.table import LatencyTable
from potstill.prune.config import PruneConfig
from potstill.prune.cost import flops, latency_ms, parameters, weight_bytes
from potstill.prune.shape import shape_of

MEGA = 1e6
UNITS = {"parameters": 1.0, "bytes": MEGA, "flops": MEGA, "latency_ms": 1.0}  # one of the option's unit, in the cost's
OPTIONS = {
    "parameters": "target_parameters",
    "bytes": "target_megabytes",
    "flops": "target_megaflops",
    "latency_ms": "target_latency_ms",
}


@dataclass(frozen=True)
class Costs:
    """What a model of some shape costs.

    Attributes:
        parameters: how many.
        bytes: of its float32 weights.
        flops: operations of one row of full length.
        latency_ms: milliseconds of that row, as the latency table tells; None without a table.
    """

    parameters: int
    bytes: int
    flops: int
    latency_ms: float | None


@dataclass(frozen=True)
class Meter:
    """Tells what models cost.

    Attributes:
        length: tokens of a row of full length.
        table: measured latencies, or None.
    """

    length: int
    table: LatencyTable | None

    def read(self, config: PretrainedConfig) -> Costs:
        """Tell what a model with this config costs."""
        latency = latency_ms(shape_of(config), self.table) if self.table else None
        return Costs(parameters(config), weight_bytes(config), flops(config, self.length), latency)


@dataclass(frozen=True)
class Targets:
    """What a model may cost at the end, and what it costs at the start.

    Attributes:
        wanted: by the cost's name, those targets that were given.
        start: the costs before the first round.
    """

    wanted: dict[str, float]
    start: Costs

    @classmethod
    def of(cls, config: PruneConfig, start: Costs) -> "Targets":
        """Read the targets out of the options."""
        given = {name: getattr(config, option) * UNITS[name] for name, option in OPTIONS.items()}
        return cls({name: value for name, value in given.items() if value}, start)

    def met(self, costs: Costs, share: float = 1.0) -> bool:
        """Tell whether costs are where they should be after a share of the way, in [0, 1]; True without targets."""
        return all(getattr(costs, name) <= self._due(name, share) for name in self.wanted)

    def refuse_unreachable(self, least: Costs) -> None:
        """Refuse targets below what the options allow at all.

        Args:
            least: costs when everything is removed that may be.

        Raises:
            OptionError: naming each such target, and how low one can come.
        """
        offences = list(self._offences(least))
        if offences:
            raise OptionError(
                f"{'; '.join(offences)}; raise ffn_sparsity, head_sparsity, drop_layers or hidden_sparsity"
                ", or prune the vocabulary"
            )

    def _offences(self, least: Costs) -> Iterator[str]:
        for name in self.wanted:
            if not getattr(least, name) <= self.wanted[name]:
                unit = UNITS[name]
                reached, wanted = getattr(least, name) / unit, self.wanted[name] / unit
                yield f"{OPTIONS[name]} is {wanted:g}, but the sparsities come down to {reached:.6g} at most"

    def _due(self, name: str, share: float) -> float:
        start = getattr(self.start, name)
        return float(start - max(0.0, start - self.wanted[name]) * share)
