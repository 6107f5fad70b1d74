"""Inputs of a model from a file: JSON for a person, .npz for a program."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.coreml.features import NUMPY
from potstill.coreml.model import Model
from potstill.errors import InputError

WANTED = "wanted is .json, an object of arrays by input name or a list of such, or .npz with arrays by input name"


def read_inputs(path: Path, model: Model) -> list[dict[str, npt.NDArray[Any]]]:
    """Read the inputs of one prediction, or of several.

    Args:
        path: `.json`: an object of nested lists by name, or a list of such objects; `.npz`: arrays by name.
        model: which takes them; numbers become of the type that it declares.

    Raises:
        InputError: another kind of file, or a damaged one.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return [{name: _typed(arrays[name], name, model) for name in arrays.files}]
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as broken:
        raise InputError(f"{path} cannot be read ({broken}); {WANTED}") from broken
    rows = content if isinstance(content, list) else [content]
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(f"{path} holds something else; {WANTED}")
    return [{name: _parsed(values, name, model) for name, values in row.items()} for row in rows]


def _parsed(values: Any, name: str, model: Model) -> npt.NDArray[Any]:
    try:
        array = np.array(values)
    except ValueError as broken:
        raise InputError(f"input {name} is no array: its rows differ in length") from broken
    if array.dtype.kind not in "iufb":
        raise InputError(f"input {name} is no array of numbers; wanted are nested lists of numbers")
    return _typed(array, name, model)


def _typed(array: npt.NDArray[Any], name: str, model: Model) -> npt.NDArray[Any]:
    """Whole numbers may stand for floats, as JSON writes them; nothing else is changed."""
    wanted = NUMPY.get(model.inputs[name].dtype) if name in model.inputs else None
    if wanted is None or array.dtype.kind not in "iub" or wanted.kind != "f":
        return array
    return array.astype(wanted)
