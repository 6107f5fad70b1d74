"""Which weights of a model take which form, for each format.

Every linear is compressed, and every embedding but tables of a few rows. A checkpoint of qat brings int8 scales, and
they are kept unchanged; what it leaves without any was kept float for its accuracy, and stays so in every format. Where
inputs are smoothed, int8 holds the weight with its columns multiplied, and the package divides the input before.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.coreml_export.compression.affine import int4_blocks, int8_rows
from potstill.coreml_export.compression.form import Form
from potstill.coreml_export.compression.palettes import Palette, int8_colours, palette
from potstill.coreml_export.compression.sparsity import Sparse, largest
from potstill.coreml_export.config import CoremlExportConfig
from potstill.coreml_export.formats import FLOAT, INT4, INT8, PALETTES, SPARSE, W8A8
from potstill.coreml_export.graphs.activations import LARGEST
from potstill.coreml_export.graphs.positions import reachable
from potstill.encoder.int8_weights import int8_weights, weighted_modules
from potstill.encoder.quantization import Scales, weight_scale
from potstill.encoder.quantized_linears import smooth
from potstill.errors import ParityError

Plan = Mapping[str, Form]  # by module name
WHOLE = slice(None)
Compress = Callable[[Tensor], Form]


def plan(
    name: str, model: PreTrainedModel, scales: Mapping[str, Scales], longest: int, config: CoremlExportConfig
) -> Plan:
    """Choose a form for each weight, and move the model's weights, in place, to what it decompresses to.

    Args:
        name: a format of config.FORMATS.
        model: the float classifier; with smoothed int8 scales its linears become smoothed ones.
        scales: of the checkpoint, by module name; empty for a float one.
        longest: most tokens of a text; rows of the table of positions beyond are in no package.
        config: block and group size, sparsity.

    Raises:
        ParityError: naming weights that float16 cannot hold.
    """
    if name in FLOAT:
        return {}
    rows = reachable(model, longest)
    read = modules_read(model)
    chosen = {each: its for each, its in int8_weights(model, scales).items() if each in read}
    _require_float16(name, {each: _weight(model, each, rows) for each in chosen})
    if name in (INT8, W8A8):
        smooth(model, chosen)
        forms: dict[str, Form] = {
            each: int8_rows(_weight(model, each, rows), its.weight[rows.get(each, WHOLE)])
            for each, its in chosen.items()
        }
    else:
        compress = _compressor(name, config)
        forms = {each: compress(_weight(model, each, rows)) for each in chosen}
    for each, form in forms.items():
        _weight(model, each, rows).copy_(form.dense)
    return {each: form for each, form in forms.items() if form.dense.any()}  # of zeros coremltools leaves nothing


def _require_float16(name: str, weights: Mapping[str, Tensor]) -> None:
    """Packages hold scales and colours as float16, and compute in it what they decompress."""
    beyond = [each for each, weight in weights.items() if float(weight.abs().max()) > LARGEST]
    if beyond:
        raise ParityError(
            f"{name}: float16 cannot hold {len(beyond)} weights ({', '.join(beyond[:3])}), whose entries are beyond "
            f"{LARGEST:,.0f}; pass --formats fp32"
        )


def modules_read(model: PreTrainedModel) -> set[str]:
    """Name the modules that a text passes through: MobileBERT has linears that some of its settings never read."""
    read: set[str] = set()
    modules = weighted_modules(model)
    hooks = [each.register_forward_hook(lambda *_, name=name: read.add(name)) for name, each in modules.items()]
    with torch.inference_mode():
        model(input_ids=torch.ones((1, 3), dtype=torch.int64))
    for hook in hooks:
        hook.remove()
    return read


def _weight(model: PreTrainedModel, name: str, rows: Mapping[str, slice]) -> Tensor:
    """Return the part of a weight that a package can hold, as a view."""
    weight: Tensor = model.get_parameter(f"{name}.weight").data
    return weight[rows.get(name, WHOLE)]


def _compressor(name: str, config: CoremlExportConfig) -> Compress:
    if name == INT4:
        return lambda weight: int4_blocks(weight, config.block_size)
    if name == SPARSE or name.startswith(f"{SPARSE}_"):
        return lambda weight: _sparse(name.removeprefix(SPARSE).removeprefix("_"), weight, config)
    if name.endswith(f"_{INT8}"):
        bits = PALETTES[name.removesuffix(f"_{INT8}")]
        return lambda weight: int8_colours(palette(weight, bits, config.group_size))
    return lambda weight: palette(weight, PALETTES[name], config.group_size)


def _sparse(inner: str, weight: Tensor, config: CoremlExportConfig) -> Sparse:
    kept = largest(weight, config.sparsity)
    if not inner:
        return Sparse(kept, weight.half().float())
    if inner == INT8:
        return Sparse(kept, int8_rows(weight, weight_scale(weight * kept)))
    return Sparse(kept, _palette_of_kept(weight, kept, PALETTES[inner], config.group_size))


def _palette_of_kept(weight: Tensor, kept: Tensor, bits: int, group: int) -> Palette:
    """Find colours for the kept entries alone: dropped ones count as the least kept one, and are masked after."""
    least = weight[kept][weight[kept].abs().argmin()]
    return palette(torch.where(kept, weight, least), bits, group)
