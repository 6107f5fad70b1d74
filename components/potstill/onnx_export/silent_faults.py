"""Faults that would pass in silence: the file would run, and compute something else or in another precision.

Further guards stand where their fault would happen: the exporter itself refuses weights in (-127, 127), `fold_linears`
weights that are not symmetric int8; `formats` and `weight_matching` refuse a graph that lost a scale; `int8_kernels`
counts what onnxruntime computes in int8; `proof` compares logits.
"""

from onnx import ModelProto
from torch import nn

from potstill.encoder.quantized_linears import FrozenLinear, SmoothedLinear
from potstill.errors import ParityError

SETTLED = (nn.Linear, SmoothedLinear, FrozenLinear, nn.Embedding)
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


def _has_matrix(module: nn.Module) -> bool:
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    return weight is not None and weight.dim() > 1
