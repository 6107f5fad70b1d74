"""Refusing scales that no quantiser can compute with, and a config that tells of others than the file holds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from potstill.errors import InputError

WEIGHT_SCALE, INPUT_SCALE, ZERO_POINT, SMOOTHING = SUFFIXES = (
    ".weight_scale",
    ".input_scale",
    ".input_zero_point",
    ".input_smoothing",
)
GREATEST_ZERO_POINT = 255
# What config.json calls its lists of what has no scales. The second is missing in older checkpoints, which quantise all
# embeddings.
FLOAT_KINDS = FLOAT_LINEARS, FLOAT_EMBEDDINGS = "float_linears", "float_embeddings"


def require_scales(path: Path, tensors: Mapping[str, Tensor], layout: Mapping[str, Any]) -> None:
    """Prove that a quantised checkpoint's scales fit its weights, and its config.

    Args:
        path: the checkpoint, for the error.
        tensors: all of its tensors.
        layout: what its config.json tells of them.

    Raises:
        InputError: naming up to three tensors, and what is wrong with each.
    """
    offences = [f"{name} {why}" for name, why in _offences(tensors) if why]
    offences += _contradictions(tensors, layout)
    if offences:
        more = f" and {len(offences) - 3} more" if len(offences) > 3 else ""
        raise InputError(f"{path}: {'; '.join(offences[:3])}{more}; make the checkpoint again by qat")


def _offences(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    for name in sorted(tensors):
        suffix = next((each for each in SUFFIXES if name.endswith(each)), "")
        if suffix:
            stem = name.removesuffix(suffix)
            yield name, _of_no_weight(stem, tensors) or _offence(suffix, stem, tensors)


def _of_no_weight(stem: str, tensors: Mapping[str, Tensor]) -> str:
    weight = tensors.get(f"{stem}.weight")
    return "is of no linear or embedding" if weight is None or weight.ndim != 2 else ""


def _offence(suffix: str, stem: str, tensors: Mapping[str, Tensor]) -> str:
    tensor, (rows, columns) = tensors[stem + suffix], tensors[f"{stem}.weight"].shape
    shape = {WEIGHT_SCALE: (rows,), SMOOTHING: (columns,)}.get(suffix, ())
    if tuple(tensor.shape) != shape:
        return f"has the shape {tuple(tensor.shape)}, wanted is {shape}"
    if suffix == ZERO_POINT:
        return _zero_point(tensor, stem, tensors)
    if tensor.dtype != torch.float32 or not bool((tensor.isfinite() & (tensor > 0)).all()):
        return "must be finite float32 above 0"
    if stem + WEIGHT_SCALE not in tensors:
        return "stands without the weight's scale"
    return "stands without its zero point" if suffix == INPUT_SCALE and stem + ZERO_POINT not in tensors else ""


def _zero_point(tensor: Tensor, stem: str, tensors: Mapping[str, Tensor]) -> str:
    if tensor.dtype != torch.int32 or not 0 <= int(tensor) <= GREATEST_ZERO_POINT:
        return f"must be an int32 in [0, {GREATEST_ZERO_POINT}]"
    return "" if stem + INPUT_SCALE in tensors else "stands without its scale"


def _contradictions(tensors: Mapping[str, Tensor], layout: Mapping[str, Any]) -> list[str]:
    """Name the weights that have scales and should not, by the config, or have none and should."""
    weights = {name.removesuffix(".weight") for name, each in tensors.items() if name.endswith(".weight")}
    matrices = {stem for stem in weights if tensors[f"{stem}.weight"].ndim == 2}
    unscaled = {stem for stem in matrices if stem + WEIGHT_SCALE not in tensors}
    told = {name for kind in FLOAT_KINDS for name in layout.get(kind, [])}
    return [f"{stem} has scales, but config.json tells that it is float" for stem in sorted(told - unscaled)] + [
        f"{stem} has no scales, but config.json does not tell that it is float" for stem in sorted(unscaled - told)
    ]
