"""In what two packages differ: what they say of themselves, their graphs, their weights, and what they answer."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from potstill.coreml.inspection.answers import Answers
from potstill.coreml.inspection.facts import Described, Facts
from potstill.coreml.inspection.networks import stored_weights
from potstill.coreml.mlprogram.program import Program
from potstill.coreml.mlprogram.stored_weight import Weight
from potstill.coreml.model import Model
from potstill.coreml.neural_network.network import Network
from potstill.coreml.neural_network.stored import read_vector
from potstill.coreml.pipeline import Pipeline

# What conversion and compression put around the name of a weight, so that it has several names in several packages.
ADDED = re.compile(r"^model_|(_(to|cast)_fp16|_to_fp32|_palettized|_quantized|_dequantized|_sparsified|_compressed)+$")


@dataclass(frozen=True)
class Changed:
    """Something that both have, or only one: `first` and `second` in words, empty where it is missing."""

    name: str
    first: str
    second: str


@dataclass(frozen=True)
class WeightChange:
    """A weight that differs.

    Attributes:
        name: in the packages.
        how: `only in the first`, `only in the second`, `shape`, `compression`, or `values`.
        greatest: greatest difference of an entry of the dense weight; 0 where only the compression differs.
        relative: the length of the difference over that of the first weight.
    """

    name: str
    how: str
    greatest: float
    relative: float


@dataclass(frozen=True)
class Difference:
    """In what the second package differs from the first.

    Attributes:
        description: kind, target, functions, inputs, outputs and labels.
        metadata: author, licence, version and entries of the maker.
        operators: their number, by type.
        weights: those that differ; same_weights: how many are the same.
        answers: what both gave on the same inputs, by output; () where they were not run.
        not_run: why they were not; empty if they were.
    """

    description: tuple[Changed, ...]
    metadata: tuple[Changed, ...]
    operators: tuple[Changed, ...]
    weights: tuple[WeightChange, ...]
    same_weights: int
    answers: tuple[Answers, ...]
    not_run: str

    @property
    def none(self) -> bool:
        """Whether nothing differs."""
        told = (*self.description, *self.metadata, *self.operators, *self.weights)
        return not told and all(each.same for each in self.answers)


def compare_facts(first: Facts, second: Facts) -> tuple[list[Changed], list[Changed], list[Changed]]:
    """Return in what two descriptions, their metadata and their operators differ; of pipelines those of all models."""
    description = list(_changes(_description(first), _description(second)))
    metadata = list(_changes(first.metadata, second.metadata))
    operators = list(_changes(_words(first.operators), _words(second.operators)))
    for number, (one, other) in enumerate(zip(first.parts, second.parts, strict=False)):
        for all_of, found in zip((description, metadata, operators), compare_facts(one, other), strict=True):
            all_of += [Changed(f"model {number}: {each.name}", each.first, each.second) for each in found]
    return description, metadata, operators


def compare_weights(first: Model, second: Model) -> tuple[tuple[WeightChange, ...], int]:
    """Return the weights that differ, those that differ most first, and how many are the same."""
    one, other = dict(_weights(first)), dict(_weights(second))
    found = [
        WeightChange(name, "only in the first" if name in one else "only in the second", 0.0, 0.0)
        for name in sorted(one.keys() ^ other.keys())
    ]
    both = sorted(one.keys() & other.keys())
    found += [change for name in both if (change := _weight_change(name, one[name], other[name]))]
    same = len(both) - sum(not each.how.startswith("only") for each in found)
    return tuple(sorted(found, key=lambda each: (-each.relative, each.name))), same


def _description(facts: Facts) -> dict[str, str]:
    return {
        "kind": facts.kind,
        "oldest system": f"{facts.target.ios}, {facts.target.macos}",
        "functions": ", ".join(facts.functions),
        "labels": ", ".join(map(str, facts.labels)),
        "models": str(len(facts.parts) or ""),
        "updatable": "yes" if facts.updatable else "",
        **{f"input {each.name}": _said(each) for each in facts.inputs},
        **{f"output {each.name}": _said(each) for each in facts.outputs},
    }


def _said(feature: Described) -> str:
    return " ".join(filter(None, [feature.type, feature.shape]))


def _words(counts: Mapping[str, int]) -> dict[str, str]:
    return {name: str(count) for name, count in counts.items()}


def _changes(first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Changed]:
    for name in dict.fromkeys([*first, *second]):
        one, other = first.get(name, ""), second.get(name, "")
        if one != other:
            yield Changed(name, one, other)


def _weights(model: Model) -> Iterator[tuple[str, Any]]:
    """Yield a model's weights under the names of the modules that they come from."""
    if isinstance(model, Network):
        yield from stored_weights(getattr(model.package.model, model.package.kind))
    if isinstance(model, Program):
        bare = Counter(ADDED.sub("", each.name) for each in model.weights)
        for each in model.weights:
            name = ADDED.sub("", each.name)
            yield (name if bare[name] == 1 else each.name), each
    if isinstance(model, Pipeline):
        for number, part in enumerate(model.parts):
            yield from ((f"model {number}: {name}", each) for name, each in _weights(part))


def _weight_change(name: str, first: Any, second: Any) -> WeightChange | None:
    if not isinstance(first, Weight) or not isinstance(second, Weight):
        return _stored_change(name, first, second)
    if first.shape != second.shape:
        return WeightChange(name, "shape", 0.0, 0.0)
    greatest, relative = _apart(first.value, second.value)
    if greatest:
        return WeightChange(name, "values", greatest, relative)
    same = first.operators == second.operators and first.dtype == second.dtype
    return None if same else WeightChange(name, "compression", 0.0, 0.0)


def _stored_change(name: str, first: Any, second: Any) -> WeightChange | None:
    """A weight of a network; of rounded ones it is told only that they differ."""
    if first == second:
        return None
    if any(isinstance(each, Weight) or each.HasField("quantization") for each in (first, second)):
        return WeightChange(name, "compression", 0.0, 0.0)
    one, other = read_vector(first), read_vector(second)
    if one.shape != other.shape:
        return WeightChange(name, "shape", 0.0, 0.0)
    return WeightChange(name, "values", *_apart(one, other))


def _apart(first: torch.Tensor, second: torch.Tensor) -> tuple[float, float]:
    one, other = first.double(), second.double()
    apart = torch.nan_to_num((one - other).abs(), nan=float("inf")) * ~((one == other) | (one.isnan() & other.isnan()))
    greatest = float(torch.nan_to_num(apart, nan=0.0).max()) if apart.numel() else 0.0
    return greatest, float(apart.nan_to_num(nan=0.0).norm() / one.norm().clamp_min(1e-30))
