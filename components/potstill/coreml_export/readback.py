"""Reading back which weights a package really holds as int8.

coremltools leaves a weight that it cannot compress as it is, and only logs that; the package is then larger than was
asked, and nobody notices. So the finished file is read, and every asked weight must be in it: its very int8 values, on
its very scales.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.coreml import Program
from potstill.coreml_export.int8 import RowScales
from potstill.encoder.quantization import to_int8
from potstill.errors import ParityError

LEAST = 2.0**-24  # the least float16 above 0; a row on a smaller scale is zeros for any purpose
DATA = {"constexpr_affine_dequantize": "quantized_data", "constexpr_blockwise_shift_scale": "data"}


def require_compressed(program: Program, model: PreTrainedModel, scales: RowScales) -> int:
    """Prove that every asked weight is int8 in the package, with its values and scales unchanged.

    Args:
        program: the loaded package.
        model: with the weights that were converted, snapped to their grid.
        scales: of every weight that was to be compressed. The package holds them as float16.

    Returns: how many weights were asked, and are there.

    Raises:
        ParityError: naming every weight that is not.
    """
    held = list(int8_weights(program))
    left_out = []
    for name, scale in scales.items():
        wanted = to_int8(model.get_submodule(name).weight.data, scale)
        if not _holds(held, wanted, scale):
            left_out.append(name)
    if left_out:
        raise ParityError(_said(program.package.path, left_out, len(scales)))
    return len(scales)


def int8_weights(program: Program) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the package's int8 weights (rows, columns) with their scales (rows,) float32."""
    for each in program.compressed:
        if each.operator in DATA:
            data, scale = each.parts[DATA[each.operator]], each.parts["scale"]
            assert isinstance(data, Tensor)
            assert isinstance(scale, Tensor)
            yield data.to(torch.int16), as_float16(scale.reshape(-1))


def as_float16(scale: Tensor) -> Tensor:
    """Round scales as they lie in a package; of small weights coremltools lets none become 0, of others it does."""
    return scale.half().float().clamp_min(LEAST)


def _holds(held: Sequence[tuple[Tensor, Tensor]], data: Tensor, scale: Tensor) -> bool:
    wanted = as_float16(scale)
    return any(torch.equal(other, data.to(torch.int16)) and torch.equal(its, wanted) for other, its in held)


def _said(package: Path, left_out: Sequence[str], asked: int) -> str:
    return (
        f"{package.name}: {len(left_out)} of {asked} weights are not int8 as asked: {', '.join(left_out)}; "
        "coremltools left them out; export to another --target or leave int8 out by --formats"
    )
