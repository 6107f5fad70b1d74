"""Inputs to try two models with: rows of a token set, or ids drawn at random from a seed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.artifacts import TOKENS, expect
from potstill.coreml.inspection.stored import declared
from potstill.coreml.lengths import lengths_of
from potstill.coreml.mlprogram.feature import Feature
from potstill.coreml.model import Model
from potstill.coreml.package import PROGRAM, Package
from potstill.coreml.texts import FEEDS, IDS
from potstill.data.tokens import TEST, read_split, shortened
from potstill.errors import InputError

Arrays = dict[str, npt.NDArray[Any]]
SEED = 0
FEWEST_IDS = 2  # where no table is found that the ids look up in


def token_rows(tokens: Path, rows: int, models: tuple[Model, Model]) -> Iterator[tuple[Arrays, Arrays]]:
    """Yield rows spread evenly over a test split, for each model padded to a length that it takes.

    Args:
        tokens: `tokens/v1`.
        rows: how many, at most.
        models: text classifiers.

    Raises:
        ArtifactError: not such a folder, or one without a test split.
        InputError: a model that takes something else than tokens.
    """
    expect(tokens, TOKENS)
    table = read_split(tokens, TEST)
    for model in models:
        if IDS not in model.inputs or not set(model.inputs) <= set(FEEDS):
            raise InputError(f"{model.package.path} takes {', '.join(model.inputs)}, not tokens; pass --inputs")
    for index in np.unique(np.linspace(0, len(table) - 1, min(rows, len(table))).astype(int)):
        one = table.take([int(index)])
        first, second = (_padded(shortened(one, lengths_of(each.inputs[IDS]).longest).row(0), each) for each in models)
        yield first, second


def random_rows(rows: int, models: tuple[Model, Model]) -> Iterator[tuple[Arrays, Arrays]]:
    """Yield seeded inputs of shapes that both models take.

    Whole numbers named `input_ids` are drawn from the vocabulary, masks are ones and then zeros, segments are zeros;
    other whole numbers are 0, and floats are drawn from the normal distribution.

    Raises:
        InputError: the models take other inputs, or no shape in common.
    """
    dice = np.random.default_rng(SEED)
    first, second = models
    if first.inputs.keys() != second.inputs.keys():
        raise InputError(
            f"inputs are {', '.join(first.inputs)} and {', '.join(second.inputs)}; pass --tokens or --inputs"
        )
    shapes = {name: _shape(name, first.inputs[name], second.inputs[name]) for name in first.inputs}
    words = min(vocabulary(first.package), vocabulary(second.package))
    for _ in range(rows):
        drawn = {name: _drawn(name, shape, first.inputs[name], words, dice) for name, shape in shapes.items()}
        yield drawn, drawn


def vocabulary(package: Package) -> int:
    """Return the rows of the largest table that a package looks up in."""
    if package.parts:
        return max(vocabulary(part) for part in package.parts)
    if package.kind != PROGRAM:
        return FEWEST_IDS
    found = declared(package.block)
    sources = [each.inputs["x"].arguments[0].name for each in found.places.get("gather", ())]
    shapes = [found.makers[name].outputs[0].type.tensorType.dimensions for name in sources if name in found.makers]
    return max((int(each[0].constant.size) for each in shapes if each), default=FEWEST_IDS)


def _padded(ids: npt.NDArray[np.int32], model: Model) -> Arrays:
    length = lengths_of(model.inputs[IDS]).fitting(len(ids))
    rest = length - len(ids)
    rows: Mapping[str, Any] = {
        IDS: np.pad(ids, (0, rest)),
        "attention_mask": np.pad(np.ones_like(ids), (0, rest)),
        "token_type_ids": np.zeros(length, np.int32),
    }
    return {name: rows[name][None].astype(np.int32) for name in model.inputs}


def _shape(name: str, first: Feature, second: Feature) -> tuple[int, ...]:
    for shape in (first.default, second.default):
        if first.accepts(shape) and second.accepts(shape):
            return shape
    raise InputError(f"input {name} is {first.allowed} in one and {second.allowed} in the other; pass --tokens")


def _drawn(
    name: str, shape: tuple[int, ...], feature: Feature, words: int, dice: np.random.Generator
) -> npt.NDArray[Any]:
    if feature.dtype.startswith("FLOAT"):
        return dice.standard_normal(shape).astype(np.float32)
    if name == IDS:
        return dice.integers(0, words, shape, dtype=np.int32)
    if "mask" in name:
        return (np.arange(shape[-1]) <= dice.integers(shape[-1])).astype(np.int32) * np.ones(shape, np.int32)
    return np.zeros(shape, np.int32)
