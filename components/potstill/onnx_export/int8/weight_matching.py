"""Which weight of a fused graph is which linear's, and telling onnxruntime its scales.

Exporting and fusing leave a linear's weight its values, transposed, and none of its name: an Attention holds those of
query, key and value side by side. So a weight is known by its values.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization.onnx_model import ONNXModel
from torch import Tensor, nn

from potstill.encoder.quantization import to_int8
from potstill.errors import ParityError
from potstill.onnx_export.graphs.graph import Array, add_constant, constants, drop_unused

CHANNELS = 1  # axis of the output channels of a weight (in, out)
JOINT = "+"  # between the names of linears that share a weight


@dataclass(frozen=True)
class FusedLinear:
    """A node that multiplies by a constant: a linear, or the three of a fused attention.

    Attributes:
        node: the node's name.
        linears: the names of its linears: one, or query, key and value.
        weight: the initialiser's name, which tells the linears (`int8_kernels.linears_of`).
        values: (in, out) float32.
        scale: (out,) float32, or None where it stays float.
    """

    node: str
    linears: tuple[str, ...]
    weight: str
    values: Array
    scale: Array | None


def fused_linears(fused: ModelProto, model: nn.Module, scales: Mapping[str, Tensor]) -> list[FusedLinear]:
    """Find every linear of a fused graph, with its scales, and name its weight after it.

    Args:
        fused: the graph; its Gemm nodes become MatMul and Add, which is what onnxruntime quantises.
        model: the classifier, with plain linears.
        scales: (out,) of each linear that is to be int8, by name.

    Raises:
        ParityError: a constant is no linear's weight, so nobody could tell its scales; or a linear with scales is no
            product by a constant.
    """
    ONNXModel(fused).replace_gemm_with_matmul()
    known: dict[bytes, list[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            known.setdefault(module.weight.detach().numpy().T.tobytes(), []).append(name)
    held = constants(fused)
    nodes = [node for node in fused.graph.node if node.op_type in ("MatMul", "Attention") and node.input[1] in held]
    found = [_fused_linear(node, numpy_helper.to_array(held[node.input[1]]), known, scales) for node in nodes]
    _require_all(scales, found)
    for node, each in zip(nodes, found, strict=True):
        node.input[1] = add_constant(fused, each.weight, each.values)
    drop_unused(fused)
    return found


def _require_all(scales: Mapping[str, Tensor], found: list[FusedLinear]) -> None:
    lost = sorted(scales.keys() - {name for each in found for name in each.linears})
    if lost:
        raise ParityError(f"{', '.join(lost[:3])} of the scales reached no product; leave int8 out by --formats")


def _fused_linear(
    node: NodeProto, values: Array, known: Mapping[bytes, list[str]], scales: Mapping[str, Tensor]
) -> FusedLinear:
    parts = np.split(values, _widths(node, values), CHANNELS) if node.op_type == "Attention" else [values]
    keys = [part.tobytes() for part in parts]
    if any(key not in known for key in keys):
        raise ParityError(
            f"{node.name} multiplies by {node.input[1]}, which is no linear's weight; leave int8 out by --formats"
        )
    names = tuple(_next(known[key]) for key in keys)
    scale = np.concatenate([scales[name].numpy() for name in names]) if scales.keys() >= set(names) else None
    return FusedLinear(node.name, names, f"{JOINT.join(names)}.weight", values, scale)


def _next(names: list[str]) -> str:
    """Of linears with the same values, as copied layers have them, the graph names the first one first."""
    return names.pop(0) if len(names) > 1 else names[0]


def _widths(attention: NodeProto, values: Array) -> list[int]:
    """Where query ends and key begins, where key ends and value begins."""
    for attribute in attention.attribute:
        if attribute.name == "qkv_hidden_sizes":
            return list(np.cumsum(helper.get_attribute_value(attribute))[:2])
    return [values.shape[CHANNELS] // 3, values.shape[CHANNELS] // 3 * 2]


def overrides(linears: list[FusedLinear]) -> dict[str, list[dict[str, object]]]:
    """Return the scales as onnxruntime's quantiser takes them: by initialiser, one entry for each output channel."""
    return {
        each.weight: [{"axis": CHANNELS, "scale": scale, "zero_point": 0} for scale in each.scale]
        for each in linears
        if each.scale is not None
    }


def require_int8(quantized: ModelProto, linears: list[FusedLinear]) -> None:
    """Read back that every weight is int8 on its scales, bit for bit: the quantiser passes over what it cannot do.

    Raises:
        ParityError: naming the weights that are not.
    """
    held = constants(quantized)
    asked = [each for each in linears if each.scale is not None]
    left_out = [each.weight for each in asked if not _is_int8(each, held)]
    if left_out:
        raise ParityError(
            f"{len(left_out)} of {len(asked)} weights are not int8 as asked: {', '.join(left_out)}; "
            "onnxruntime left them out; leave int8 out by --formats"
        )


def _is_int8(linear: FusedLinear, held: Mapping[str, TensorProto]) -> bool:
    names = (f"{linear.weight}_quantized", f"{linear.weight}_scale")
    if linear.scale is None or any(name not in held for name in names):
        return False
    values, scale = (numpy_helper.to_array(held[name]) for name in names)
    wanted = to_int8(torch.tensor(linear.values).T, torch.tensor(linear.scale)).T.numpy()
    return np.array_equal(values, wanted) and np.array_equal(scale, linear.scale)
