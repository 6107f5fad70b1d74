"""Weights as palettes: each entry is one of 4 to 256 colours, and the file holds which.

Source: arXiv:1510.00149 (Deep Compression); MIL operator constexpr_lut_to_dense.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.compression.colours import colours_of, nearest
from potstill.coreml_export.compression.form import Form, Place, pack_bits

with quiet_coremltools():
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)
    from coremltools.converters.mil.mil import types

COSTLY = 4  # palettes may take a quarter of what the indices take; else rows share one
GREATEST_INT8 = 127


@dataclass(frozen=True)
class Palette(Form):
    """Indices and colours.

    Attributes:
        indices: (rows, columns) uint8, in [0, 2^bits).
        colours: (groups, 2^bits) float32 that float16 holds, or integers in [−127, 127] where `scale` is given; each
            palette is for rows / groups rows.
        bits: 8, 6, 4 or 2.
        scale: what integer colours are multiplied with.
    """

    indices: Tensor
    colours: Tensor
    bits: int
    scale: float | None = None

    @property
    def dense(self) -> Tensor:
        """Return the colours that the indices name."""
        each_row = self.colours.repeat_interleave(len(self.indices) // len(self.colours), 0)
        return torch.gather(each_row, 1, self.indices.long()) * (1.0 if self.scale is None else self.scale)

    def operators(self, modern: bool) -> tuple[str, ...]:
        """Name what decompresses it."""
        del modern
        scaled = () if self.scale is None else ("constexpr_blockwise_shift_scale",)
        return ("constexpr_lut_to_dense", *scaled)

    def write(self, place: Place) -> Any:
        """Put the decompression into a program."""
        if not place.modern:
            return mb.constexpr_lut_to_dense(
                indices=pack_bits(self.indices.numpy(), self.bits),
                lut=self.colours.numpy().reshape(-1).astype(place.dtype),
                shape=np.array(place.shape, np.uint32),
                name=place.name,
                before_op=place.before,
            )
        looked_up = mb.constexpr_lut_to_dense(
            indices=place.full(self.integers()),
            lut=self.table(place),
            name=place.name if self.scale is None else f"{place.name}_integers",
            before_op=place.before,
        )
        if self.scale is None:
            return looked_up
        step = np.full((1,) * len(place.shape), self.scale, place.dtype)
        return mb.constexpr_blockwise_shift_scale(data=looked_up, scale=step, name=place.name, before_op=place.before)

    def integers(self) -> Any:
        """Return the indices in numpy, typed as coremltools wants it."""
        return self.indices.numpy().astype(types.nptype_from_builtin(types.string_to_builtin(f"uint{self.bits}")))

    def table(self, place: Place) -> Any:
        """Return the colours with the axes of the weight, then colours, then 1: one value an index."""
        dtype = place.dtype if self.scale is None else np.int8
        return place.full(self.colours.numpy()[:, None, :, None]).astype(dtype)


def palette(weight: Tensor, bits: int, group: int = 0) -> Palette:
    """Replace each entry by the nearest of 2^bits colours.

    Args:
        weight: (rows, columns).
        bits: 8, 6, 4 or 2.
        group: rows that share a palette, at most; 0: all. Taken is the greatest divisor of the rows that is not above;
            where the palettes would then take more than a quarter of what the indices take, all rows share one.
    """
    rows, columns = weight.shape
    together = _rows_together(rows, columns, bits, group)
    parts = weight.reshape(rows // together, -1).numpy().astype(np.float64)
    colours = np.stack([colours_of(part, 1 << bits) for part in parts]).astype(np.float16).astype(np.float32)
    colours.sort(1)
    indices = np.stack([nearest(part, its) for part, its in zip(parts, colours, strict=True)])
    return Palette(torch.from_numpy(indices.reshape(rows, columns)), torch.from_numpy(colours), bits)


def int8_colours(form: Palette) -> Palette:
    """Round a palette's colours to int8 on one scale for the whole weight."""
    scale = float(np.float16(max(float(form.colours.abs().max()), 2.0**-14) / GREATEST_INT8))
    rounded = torch.clamp(torch.round(form.colours / scale), -GREATEST_INT8, GREATEST_INT8) + 0.0  # no negative zero
    return replace(form, colours=rounded, scale=scale)


def _rows_together(rows: int, columns: int, bits: int, group: int) -> int:
    if not group:
        return rows
    together = max(size for size in range(1, min(group, rows) + 1) if rows % size == 0)
    palette_bits, index_bits = 16 << bits, together * columns * bits
    return together if palette_bits * COSTLY <= index_bits else rows
