"""Weights of which only some entries are kept: a bit for each says which, and the kept ones follow one another.

Source: arXiv:1710.01878 (magnitude pruning); MIL operators constexpr_sparse_to_dense, constexpr_lut_to_sparse and
constexpr_sparse_blockwise_shift_scale.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.compression.affine import Affine
from potstill.coreml_export.compression.form import Form, Place, pack_bits
from potstill.coreml_export.compression.palettes import Palette

with quiet_coremltools():
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)
    from coremltools.converters.mil.mil import types


@dataclass(frozen=True)
class Sparse(Form):
    """Kept entries.

    Attributes:
        kept: (rows, columns) bool.
        entries: what the kept ones are: a weight (rows, columns) that float16 holds, or one in a compressed form.
    """

    kept: Tensor
    entries: Tensor | Affine | Palette

    @property
    def dense(self) -> Tensor:
        """Return the kept entries, and 0 elsewhere."""
        entries = self.entries if isinstance(self.entries, Tensor) else self.entries.dense
        return torch.where(self.kept, entries, torch.zeros(()))

    def operators(self, modern: bool) -> tuple[str, ...]:
        """Name what decompresses it."""
        del modern
        spread = ("constexpr_sparse_to_dense",)
        if isinstance(self.entries, Affine):
            return ("constexpr_sparse_blockwise_shift_scale", *spread)
        return ("constexpr_lut_to_sparse", *spread) if isinstance(self.entries, Palette) else spread

    def write(self, place: Place) -> Any:
        """Put the decompression into a program."""
        if not place.modern:
            return mb.constexpr_sparse_to_dense(
                nonzero_data=self._plain(place),
                mask=pack_bits(self.kept.numpy(), 1),
                shape=np.array(place.shape, np.uint32),
                name=place.name,
                before_op=place.before,
            )
        mask, kept = self._compressed(place)
        return mb.constexpr_sparse_to_dense(nonzero_data=kept, mask=mask, name=place.name, before_op=place.before)

    def _compressed(self, place: Place) -> tuple[Any, Any]:
        mask = place.full(self.kept.numpy().astype(types.nptype_from_builtin(types.uint1)))
        inside = {"name": f"{place.name}_kept", "before_op": place.before}
        if isinstance(self.entries, Affine):
            data = self.entries.integers()[self.kept.numpy()]
            scale = self.entries.scales(place)
            return _two(
                mb.constexpr_sparse_blockwise_shift_scale(data_mask=mask, nonzero_data=data, scale=scale, **inside)
            )
        if isinstance(self.entries, Palette):
            indices = self.entries.integers()[self.kept.numpy()]
            lut = self.entries.table(place)
            return _two(mb.constexpr_lut_to_sparse(indices_mask=mask, indices_nonzero_data=indices, lut=lut, **inside))
        return mask, self._plain(place)

    def _plain(self, place: Place) -> Any:
        assert isinstance(self.entries, Tensor)
        return self.entries[self.kept].numpy().astype(place.dtype)


def _two(values: Any) -> tuple[Any, Any]:
    """Return what an operator with two results gives: the mask, and the kept entries."""
    mask, kept = values
    return mask, kept


def largest(weight: Tensor, sparsity: float) -> Tensor:
    """Tell which entries of a weight are kept: all but the smallest share, the first of equals dropped first.

    Args:
        weight: (rows, columns).
        sparsity: share that is dropped, in (0, 1); at least one entry stays.
    """
    dropped = min(round(weight.numel() * sparsity), weight.numel() - 1)
    order = torch.argsort(weight.abs().reshape(-1), stable=True)
    kept = torch.ones(weight.numel(), dtype=torch.bool)
    kept[order[:dropped]] = False
    return kept.reshape(weight.shape)
