"""Tiny Core ML models of every kind, made by coremltools itself or by hand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.graphs.noise import without_noise

with quiet_coremltools():
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)
    from coremltools.converters.mil.mil import types
    from coremltools.proto import FeatureTypes_pb2, Model_pb2

FLOAT32 = FeatureTypes_pb2.ArrayFeatureType.FLOAT32
INT32 = FeatureTypes_pb2.ArrayFeatureType.INT32
KINDS = {"f": types.fp32, "i": types.int32}


def program(
    build: Callable[..., Any], shapes: Mapping[str, tuple[int, ...]], target: str = "iOS16", **more: Any
) -> Any:
    """Convert what coremltools' builder makes to an mlprogram, not saved yet; inputs are float32."""
    specs = [mb.TensorSpec(shape, types.fp32) for shape in shapes.values()]
    scope: dict[str, Any] = {"build": build}
    names = ", ".join(shapes)
    exec(f"def main({names}): return build({names})", scope)  # the builder reads the names of the parameters
    with without_noise():
        made = mb.program(input_specs=specs, opset_version=ct.target[target])(scope["main"])
        return ct.convert(
            made,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target[target],
            skip_model_load=True,
            **{"pass_pipeline": ct.PassPipeline.EMPTY, "compute_precision": ct.precision.FLOAT32, **more},
        )


def save(model: Any, path: Path) -> Path:
    """Save a `coremltools.models.MLModel`, or a bare message."""
    with without_noise():
        if isinstance(model, Model_pb2.Model):
            path.write_bytes(model.SerializeToString())
        else:
            model.save(str(path))
    return path


def array(message: Any, name: str, shape: tuple[int, ...], dtype: int = FLOAT32) -> None:
    """Describe an input or output that is an array."""
    feature = message.add()
    feature.name = name
    feature.type.multiArrayType.shape.extend(shape)
    feature.type.multiArrayType.dataType = dtype


def head(weight: np.ndarray, bias: np.ndarray, labels: list[str] | list[int], reads: str = "features") -> Any:
    """Make an updatable classifier by coremltools' builder: inner product and softmax."""
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder

    outputs, inputs = weight.shape
    builder = NeuralNetworkBuilder(
        [(reads, datatypes.Array(1, inputs))], [("shares", None)], mode="classifier", disable_rank5_shape_mapping=True
    )
    builder.add_inner_product("fc", weight, bias, inputs, outputs, True, reads, "scores")
    builder.add_softmax_nd("softmax", "scores", "shares", -1)
    builder.set_class_labels(labels, "label", "shares")
    return builder.spec
