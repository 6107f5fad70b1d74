"""JSON of what is found: arrays as lists, and null for what JSON has no number for (NaN and the infinities)."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np


def as_json(content: Any, indent: int | None = None) -> str:
    """Write as JSON, in one line unless an indent is given."""
    return json.dumps(_plain(content), ensure_ascii=False, indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value
