"""How each weight of a program lies in the package, in words and bytes."""

from collections.abc import Iterable, Mapping
from math import prod

from torch import Tensor

from potstill.coreml.inspection.facts import Compression, WeightFacts
from potstill.coreml.inspection.stored import Declared, part_types
from potstill.coreml.mlprogram.stored_weight import Weight

SPARSE = ("constexpr_sparse_to_dense", "constexpr_lut_to_sparse", "constexpr_sparse_blockwise_shift_scale")
PALETTE = ("constexpr_lut_to_dense", "constexpr_lut_to_sparse")
SCALED = (
    "constexpr_affine_dequantize",
    "constexpr_blockwise_shift_scale",
    "constexpr_sparse_blockwise_shift_scale",
)
PALETTES = ("lut", "data")  # (…, values, entries of a value) or (values,); a palette that is rounded is its data
WIDTH = {"float16": 2, "float32": 4, "float64": 8, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4}


def weight_facts(weight: Weight, declared: Declared) -> WeightFacts:
    """Say how a weight of a prepared program lies in the package."""
    maker = declared.makers.get(weight.name)
    types = part_types(maker, declared.makers) if maker is not None and weight.operators else {}
    return WeightFacts(
        name=weight.name,
        shape=weight.shape,
        kind=_kind(weight, types),
        grain=_grain(weight),
        sparsity=_sparsity(weight),
        dense_bytes=prod(weight.shape) * WIDTH.get(weight.dtype.lower(), 4),
        bytes=weight.stored_bytes,
    )


def summed(weights: Iterable[WeightFacts]) -> tuple[Compression, ...]:
    """Sum weights up by kind, the kind that takes most first."""
    kinds: dict[str, list[WeightFacts]] = {}
    for each in weights:
        kinds.setdefault(each.kind, []).append(each)
    rows = (
        Compression(
            kind,
            len(held),
            sum(prod(each.shape) for each in held),
            sum(each.dense_bytes for each in held),
            sum(each.bytes for each in held),
        )
        for kind, held in kinds.items()
    )
    return tuple(sorted(rows, key=lambda row: (-row.bytes, row.kind)))


def _kind(weight: Weight, types: Mapping[str, str]) -> str:
    if not weight.operators:
        return weight.dtype.lower()
    words = ["sparse"] if _any(weight, SPARSE) else []
    if _any(weight, PALETTE):
        words.append(f"{_palette_bits(weight, types)}-bit palette")
    if _any(weight, SCALED):
        words.append(types.get("quantized_data") or types.get("data") or types.get("nonzero_data") or "int8")
    return ", ".join(words) or weight.operators[-1].removeprefix("constexpr_")


def _palette_bits(weight: Weight, types: Mapping[str, str]) -> int:
    """Bits of an index: of its type; before iOS 18 all indices are declared uint8, and the palette tells."""
    indices = types.get("indices") or types.get("indices_nonzero_data") or ""
    palette = _part(weight, *PALETTES)
    if palette is not None and palette.dim() == 1:
        return (palette.numel() - 1).bit_length()
    return int(indices.removeprefix("uint") or 8)


def _grain(weight: Weight) -> str:
    """What shares a scale or a palette."""
    rows = weight.shape[0] if weight.shape else 1
    palette, scale = _part(weight, *PALETTES), _part(weight, "scale")
    if _any(weight, PALETTE) and palette is not None:
        palettes = prod(palette.shape[:-2])
        return "the whole" if palettes == 1 else _rows(rows // palettes)
    if not _any(weight, SCALED) or scale is None:
        return ""
    if scale.numel() == 1:
        return "the whole"
    if scale.dim() == len(weight.shape) and scale.dim() > 1 and scale.shape[1] > 1:
        return f"{weight.shape[1] // scale.shape[1]} of a row"
    return _rows(rows // scale.shape[0]) if scale.numel() <= rows else f"{prod(weight.shape) // scale.numel()} entries"


def _rows(count: int) -> str:
    return "a row" if count <= 1 else f"{count} rows"


def _sparsity(weight: Weight) -> float:
    if not _any(weight, SPARSE) or not weight.value.numel():
        return 0.0
    return float((weight.value == 0).double().mean())


def _any(weight: Weight, operators: tuple[str, ...]) -> bool:
    return any(each in operators for each in weight.operators)


def _part(weight: Weight, *names: str) -> Tensor | None:
    """Return the first of the parts of these names that a weight has."""
    return next((part for name in names if isinstance(part := weight.parts.get(name), Tensor)), None)
