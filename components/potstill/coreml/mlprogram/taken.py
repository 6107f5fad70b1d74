"""Arrays that a model is given, checked against what it declares of its inputs."""

from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.coreml.mlprogram.feature import Feature
from potstill.errors import InputError

NUMPY: dict[str, np.dtype[Any]] = {
    "FLOAT16": np.dtype(np.float16),
    "FLOAT32": np.dtype(np.float32),
    "FLOAT64": np.dtype(np.float64),
    "INT8": np.dtype(np.int8),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
}


def taken(name: str, value: npt.ArrayLike, wanted: Feature) -> npt.NDArray[Any]:
    """Return an input as an array of its type: a copy, whose entries lie in the usual order.

    Raises:
        InputError: another shape than the feature allows, fractions where whole numbers are wanted, or entries that its
            type does not hold.
    """
    array = np.asarray(value)
    dtype = NUMPY.get(wanted.dtype, NUMPY["INT32"])
    if not wanted.accepts(array.shape) or array.dtype.kind not in ("f" if dtype.kind == "f" else "iu"):
        came = " × ".join(map(str, array.shape)) or "a scalar"
        raise InputError(f"input {name} is {came} {array.dtype}; wanted is {wanted.allowed} {wanted.dtype}")
    return held(name, array, dtype)


def held(name: str, array: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a copy of another type.

    Raises:
        InputError: the type does not hold every entry. Infinities and NaN are held by every type of floats.
    """
    kind = np.dtype(dtype)
    with np.errstate(over="ignore"):
        copied: npt.NDArray[Any] = array.astype(kind, order="C")
    beyond = _beyond_floats(array, copied) if kind.kind == "f" else _beyond_integers(array, kind)
    if beyond:
        least, greatest = _ends(array)
        raise InputError(f"input {name} has entries from {least} to {greatest}; {kind.name.upper()} holds fewer")
    return copied


def _beyond_floats(array: npt.NDArray[Any], copied: npt.NDArray[Any]) -> bool:
    return bool((np.isfinite(array) & ~np.isfinite(copied)).any())


def _beyond_integers(array: npt.NDArray[Any], kind: np.dtype[Any]) -> bool:
    limits = np.iinfo(kind)
    return bool(array.size) and bool(array.min() < limits.min or array.max() > limits.max)


def _ends(array: npt.NDArray[Any]) -> tuple[Any, Any]:
    finite = array[np.isfinite(array)]
    return finite.min(), finite.max()
