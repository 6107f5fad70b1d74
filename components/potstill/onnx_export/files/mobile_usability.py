"""Whether a phone's accelerators would run a file behind onnxruntime, or its processor should."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto
from onnxruntime.tools.mobile_helpers.usability_checker import check_coreml_partitions, check_nnapi_partitions
from onnxruntime.tools.onnx_model_utils import (
    ModelProtoWithShapeInfo,
    is_fixed_size_tensor,
    make_input_shape_fixed,
    optimize_model,
)

NNAPI, COREML_NETWORK, COREML_PROGRAM = "NNAPI", "Core ML (NeuralNetwork)", "Core ML (MLProgram)"
PROVIDERS: dict[str, Callable[[ModelProto, bool], Any]] = {
    NNAPI: check_nnapi_partitions,
    COREML_NETWORK: lambda graph, fixed: check_coreml_partitions(graph, fixed, "coreml_supported_neuralnetwork_ops.md"),
    COREML_PROGRAM: lambda graph, fixed: check_coreml_partitions(graph, fixed, "coreml_supported_mlprogram_ops.md"),
}
COREML = (COREML_NETWORK, COREML_PROGRAM)
NO = "NO"
OWN = "com.microsoft:"  # onnxruntime's own operators
INTEGER = ("ai.onnx:DynamicQuantizeLinear", "ai.onnx:MatMulInteger")
ROUNDING = ("ai.onnx:QuantizeLinear", "ai.onnx:DequantizeLinear")
COREML_DIMENSION = 16_384  # measured: onnxruntime's Core ML provider leaves larger tensors to the CPU
USUAL_LENGTH = 32  # tokens, where the file does not tell its greatest length


@dataclass(frozen=True)
class Coverage:
    """How much of a graph a provider would run.

    Attributes:
        verdict: YES, MAYBE or NO, whether it is worth trying.
        partitions: pieces that the provider would get; tensors are copied to and fro between two of them.
        supported: nodes that it would run.
        nodes: all nodes.
        unsupported: operators that it does not know, as domain:name.
    """

    verdict: str
    partitions: int
    supported: int
    nodes: int
    unsupported: tuple[str, ...]

    def __str__(self) -> str:
        pieces = "1 piece" if self.partitions == 1 else f"{self.partitions} pieces"
        return f"{self.verdict}, {self.supported} of {self.nodes} nodes in {pieces}"


@dataclass(frozen=True)
class MobileUsability:
    """What onnxruntime's usability checker finds.

    Attributes:
        as_is: by provider.
        fixed: by provider, were the inputs of fixed shape.
        dynamic_inputs: names of the inputs that are not.
        length: tokens that a text has at most, or usually.
        largest_dimension: of any weight.
    """

    as_is: dict[str, Coverage]
    fixed: dict[str, Coverage]
    dynamic_inputs: tuple[str, ...]
    length: int
    largest_dimension: int

    def as_record(self) -> dict[str, Any]:
        """Return all of it, and the advice, as plain JSON values."""
        found = {**asdict(self), "advice": self.advice()}
        for by_provider in (found["as_is"], found["fixed"]):
            for coverage in by_provider.values():
                coverage["unsupported"] = list(coverage["unsupported"])
        return {**found, "dynamic_inputs": list(self.dynamic_inputs)}

    def advice(self) -> list[str]:
        """Tell an app's developer in whole sentences what to expect of each accelerator, and what to do."""
        about = [self._about_shapes(), self._about_operators(), self._about_rounding(), self._about_size()]
        none = all(each.verdict == NO for each in self.fixed.values())
        last = "Run it with onnxruntime's CPU provider, the one an app has without asking; it runs every node."
        return [*map(self._verdict, PROVIDERS), *filter(None, about), *([last] if none else [])]

    def _verdict(self, name: str) -> str:
        fixed = f"; with fixed shapes: {self.fixed[name]}" if self.dynamic_inputs else ""
        return f"{name}: {self.as_is[name]}{fixed}."

    def _about_shapes(self) -> str:
        if not self.dynamic_inputs:
            return ""
        wanted = f"NNAPI and Core ML want fixed shapes: --batch 1 --length {self.length} gives them"
        enough = any(each.verdict != NO for each in self.fixed.values())
        return f"{wanted}." if enough else f"{wanted}, which does not suffice for this file."

    def _about_operators(self) -> str:
        nowhere = set.intersection(*(set(each.unsupported) for each in self.fixed.values()))
        found = sorted(name.partition(":")[2] for name in nowhere if name.startswith(OWN) or name in INTEGER)
        return (
            f"The CPU provider alone runs {', '.join(found)}; accelerators compute in float, which fp32 gives them."
            if found
            else ""
        )

    def _about_rounding(self) -> str:
        if not any(set(ROUNDING).intersection(self.fixed[name].unsupported) for name in COREML):
            return ""
        return (
            "onnxruntime's Core ML provider takes no QuantizeLinear and no DequantizeLinear: for int8 on Apple's "
            "devices ship the package of coreml-export."
        )

    def _about_size(self) -> str:
        if self.largest_dimension <= COREML_DIMENSION:
            return ""
        return (
            f"A weight has {self.largest_dimension:,} rows or columns, and onnxruntime's Core ML provider takes "
            f"{COREML_DIMENSION:,} at most: prune the vocabulary, or ship the package of coreml-export."
        )


def mobile_usability(onnx_file: Path) -> MobileUsability:
    """Estimate which nodes NNAPI (Android) and Core ML (Apple) would run behind onnxruntime.

    The estimate goes by operators and shapes; what else a provider refuses shows on the device alone.

    Args:
        onnx_file: with inputs of shape (batch, tokens).

    Source: onnxruntime.tools.mobile_helpers.usability_checker, and its limits for a verdict.
    """
    model = onnx.load(onnx_file)
    length = int({each.key: each.value for each in model.metadata_props}.get("max_length", USUAL_LENGTH))
    dynamic = tuple(each.name for each in model.graph.input if not is_fixed_size_tensor(each))
    largest = max((max(tensor.dims, default=1) for tensor in model.graph.initializer), default=1)
    as_is = fixed = _coverage(model, fixed=not dynamic)
    if dynamic:
        for each in model.graph.input:
            make_input_shape_fixed(model.graph, each.name, _shape(each, length))
        fixed = _coverage(model, fixed=True)
    return MobileUsability(as_is, fixed, dynamic, length, largest)


def _shape(value: onnx.ValueInfoProto, length: int) -> list[int]:
    """A shape of one row, with the sizes that stand already."""
    return [size.dim_value or usual for size, usual in zip(value.type.tensor_type.shape.dim, (1, length), strict=True)]


def _coverage(model: ModelProto, *, fixed: bool) -> dict[str, Coverage]:
    """Ask for each provider, after the rewrites that onnxruntime makes before it asks its providers.

    Where the inputs are fixed, so is every other shape; ONNX's shape inference only cannot tell behind fused operators.
    """
    with tempfile.TemporaryDirectory() as work:
        source, target = Path(work) / "source.onnx", Path(work) / "target.onnx"
        onnx.save(model, source)
        optimize_model(source, target, use_external_initializers=True)
        graph = ModelProtoWithShapeInfo(target).model_with_shape_info
    return {name: _plain(check(graph, not fixed)) for name, check in PROVIDERS.items()}


def _plain(found: Any) -> Coverage:
    unsupported = tuple(sorted(found.unsupported_ops))
    return Coverage(
        found.suitability().name, found.num_partitions, found.num_supported_nodes, found.num_nodes, unsupported
    )
