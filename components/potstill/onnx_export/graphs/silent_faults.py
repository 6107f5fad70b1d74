"""Faults that would pass in silence: the file would run, and compute something else or in another precision.

Further guards stand where their fault would happen: the exporter itself refuses weights in (-127, 127), `fold_linears`
weights that are not symmetric int8; `formats` and `weight_matching` refuse a graph that lost a scale; `int8_kernels`
counts what onnxruntime computes in int8; `proof` compares logits.
"""

from collections.abc import Mapping

from onnx import ModelProto, NodeProto
from torch import nn
from transformers import PretrainedConfig

from potstill.encoder import pruned
from potstill.encoder.quantized_linears import FrozenLinear, SmoothedLinear
from potstill.errors import ParityError
from potstill.onnx_export.graphs.graph import LINEARS, constants, producers, readers

SETTLED = (nn.Linear, SmoothedLinear, FrozenLinear, nn.Embedding)
FUSING = ("bert", "electra", "roberta", "distilbert", pruned.MODEL_TYPE)  # whose every layer becomes one Attention
RANDOM = ("Dropout", "Bernoulli", "Multinomial", "RandomNormal", "RandomUniform")


def refuse_moving(model: nn.Module) -> None:
    """Refuse a model with matrices whose scales still move: a trainable twin, or a linear with ranges as they come.

    A tracer would write down the range of the one input that it is shown, as if it stood for all.

    Raises:
        ValueError: naming the modules.
    """
    moving = [name for name, module in model.named_modules() if _has_matrix(module) and type(module) not in SETTLED]
    if moving:
        kinds = sorted({type(model.get_submodule(name)).__name__ for name in moving})
        raise ValueError(
            f"{len(moving)} modules of kind {', '.join(kinds)} ({', '.join(moving[:3])}…) have no scales that stand; "
            "settle the model's ranges first (potstill.qat.fake_quant.settle), or export its float weights"
        )


def refuse_random(graph: ModelProto) -> None:
    """Refuse a graph that answers by chance: dropout that was left on.

    Raises:
        ParityError: naming the nodes.
    """
    found = [node.name for node in graph.graph.node if node.op_type.startswith(RANDOM)]
    if found:
        raise ParityError(f"the graph has {len(found)} random nodes ({', '.join(found[:3])}…); turn its dropout off")


def require_fused(graph: ModelProto, config: PretrainedConfig) -> None:
    """Refuse a graph whose attention was not fused, layer by layer, of a family where it always is.

    The fusion knows a block by its very nodes: of a graph that another exporter wrote, or that onnxslim went over
    first, nothing is fused, and nothing says so.

    Args:
        graph: fused, and perhaps int8 since then.
        config: of the model.

    Raises:
        ParityError: telling how many were.
    """
    found = sum(node.op_type in ("Attention", "QAttention") for node in graph.graph.node)
    wanted = config.num_hidden_layers
    if config.model_type in FUSING and found != wanted:
        raise ParityError(
            f"onnxruntime fused the attention of {found} of {wanted} layers; the graph is not as its optimiser knows "
            "it: leave optimized and int8 out by --formats"
        )


def refuse_quantized_attention(graph: ModelProto) -> None:
    """Refuse a graph with QuantizeLinear that rounds anything but the inputs of linears.

    Products of two activations, the mask (whose -3.4e38 would set the scale) and LayerNorm lose the model's accuracy;
    onnxruntime's static quantisation takes them all by default.

    Raises:
        ParityError: naming such values.
    """
    held, made, read_by = constants(graph), producers(graph), readers(graph)
    restored = [node for node in graph.graph.node if node.op_type == "DequantizeLinear" and node.input[0] not in held]
    wrong = [
        node.name
        for node in restored
        if not all(_is_linear(reader, held, made) for reader in read_by.get(node.output[0], [node]))
    ]
    if wrong:
        raise ParityError(f"{len(wrong)} values beside the linears' inputs are rounded ({', '.join(wrong[:3])}…)")


def _is_linear(node: NodeProto, held: Mapping[str, object], made: Mapping[str, NodeProto]) -> bool:
    """Whether a node multiplies by a constant, as it stands or dequantised."""
    if node.op_type not in LINEARS:
        return False
    weight = node.input[1]
    return weight in held or (weight in made and made[weight].input[0] in held)


def _has_matrix(module: nn.Module) -> bool:
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    return weight is not None and weight.dim() > 1
