"""Inputs of a model from a file: JSON for a person, .npz for a program."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from potstill.coreml.damage import FAILURES, line
from potstill.coreml.mlprogram.taken import NUMPY
from potstill.coreml.model import Model
from potstill.errors import InputError

WANTED = "wanted is .json, an object of arrays by input name or a list of such, or .npz with arrays by input name"
# What reading a file raises; of a damaged archive also what numpy and json raise.
BROKEN = (OSError, EOFError, MemoryError, BadZipFile, zlib.error)


def read_inputs(path: Path, model: Model) -> list[dict[str, npt.NDArray[Any]]]:
    """Read the inputs of one prediction, or of several.

    Args:
        path: `.json`: an object of nested lists by name, or a list of such objects; `.npz`: arrays by name.
        model: which takes them; numbers become of the type that it declares.

    Raises:
        InputError: another kind of file, or a damaged one.
    """
    try:
        return _from_npz(path, model) if path.suffix == ".npz" else _from_json(path, model)
    except (*BROKEN, *FAILURES) as broken:
        raise InputError(f"{path} cannot be read ({line(broken)}); {WANTED}") from broken


def _from_npz(path: Path, model: Model) -> list[dict[str, npt.NDArray[Any]]]:
    with path.open("rb") as file:  # by its name, numpy leaves a damaged one open
        arrays = np.load(file, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise InputError(f"{path} holds something else; {WANTED}")
        with arrays:
            found = {name: arrays[name] for name in arrays.files}
    strange = sorted(name for name, each in found.items() if not isinstance(each, np.ndarray))
    if strange:
        raise InputError(f"{path} holds files that are no arrays: {', '.join(strange)}; {WANTED}")
    return [{name: _typed(array, name, model) for name, array in found.items()}]


def _from_json(path: Path, model: Model) -> list[dict[str, npt.NDArray[Any]]]:
    content = json.loads(path.read_text(encoding="utf-8-sig"))
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
    return array.astype(np.float64)  # whatever it is to become: that it fits is checked where it is taken
