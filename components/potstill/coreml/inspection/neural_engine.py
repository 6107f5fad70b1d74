"""What may keep a model, or a part of it, off the Neural Engine, told from the package alone.

Nothing was run on a device, and Apple publishes no list of what its Neural Engine takes: Core ML decides when it loads
the model, differently on each chip and system. These are remarks for a person who then measures with Xcode's
performance report, which tells the compute unit of each operation. Each remark names its source.
"""

from collections.abc import Iterator
from typing import Any

from potstill.coreml.inspection.facts import Remark
from potstill.coreml.inspection.features import described
from potstill.coreml.inspection.graph_advice import on_graph
from potstill.coreml.inspection.stored import Declared, declared, part_types, type_name
from potstill.coreml.package import NETWORKS, PROGRAM, Package

GUIDE = "https://apple.github.io/coremltools/docs-guides/source"
FLEXIBLE = f"{GUIDE}/flexible-inputs.html"
PRECISION = f"{GUIDE}/typed-execution.html"
COMPRESSION = f"{GUIDE}/opt-overview.html"
ACTIVATIONS = f"{GUIDE}/opt-quantization-perf.html"
LAYERS = "https://github.com/hollance/neural-engine/blob/master/docs/unsupported-layers.md"

BLOCKS = "constexpr_blockwise_shift_scale"
ROUNDING = ("quantize", "dequantize")
RANGES, LISTED = "shapeRange", "enumeratedShapes"  # as the format names the two kinds of flexible shapes


def advice(package: Package, function: str = "") -> tuple[Remark, ...]:
    """Tell what may keep a package off the Neural Engine; nothing was run on a device.

    Args:
        package: opened.
        function: of a program; empty: the one that it calls by default.

    Returns: the remarks, those on the whole model first; of a pipeline those of its models, each named.
    """
    if package.kind == PROGRAM:
        found = declared(package.block_of(function))
        inputs = list(package.described(function).input)
        return (*_flexible(inputs), *_precision(found), *on_graph(found), *_weights(found))
    if package.kind in NETWORKS:
        return (_network(package),)
    return tuple(
        Remark(f"{part.path.name.rpartition(', ')[2]}: {each.subject}", each.text, each.source)
        for part in package.parts
        for each in advice(part)
    )


def _flexible(inputs: list[Any]) -> Iterator[Remark]:
    kinds = {each.type.multiArrayType.WhichOneof("ShapeFlexibility") for each in inputs}
    said = ", ".join(f"{each.name} {described(each).shape}" for each in inputs)
    if RANGES in kinds:
        text = (
            f"Lengths may vary within a range ({said}), which keeps a model on CPU and GPU; from iOS 17.4 on the hint "
            "reshapeFrequency = .infrequent may bring it back. Fix the length, or list a few of them."
        )
        yield Remark("flexible length", text, FLEXIBLE)
    elif LISTED in kinds:
        text = (
            f"A few shapes are listed ({said}). Core ML prepares the first, default one in advance; the first "
            "prediction of any other is slower. Measure each; a fixed length is the safest."
        )
        yield Remark("enumerated lengths", text, FLEXIBLE)


def _precision(found: Declared) -> Iterator[Remark]:
    wide, narrow = found.activations["float32"], found.activations["float16"]
    if wide > narrow:
        text = (
            f"{wide} of {wide + narrow} floating values are float32; the Neural Engine computes in float16 alone. "
            "Export as float16."
        )
        yield Remark("float32", text, PRECISION)
        return
    kept = {
        name: count
        for name, operations in found.places.items()
        if name != "cast" and (count := sum(_gives_float32(each) for each in operations))
    }
    if kept:
        told = ", ".join(f"{name} {count}" for name, count in sorted(kept.items()))
        text = f"Kept in float32, and so on CPU or GPU: {told}. Each crossing costs a copy; keep only what overflows."
        yield Remark("float32 in part", text, PRECISION)


def _weights(found: Declared) -> Iterator[Remark]:
    blocks = sum(
        part_types(each, found.makers).get("data", "").endswith("int4")
        for each in found.makers.values()
        if each.type == BLOCKS
    )
    if blocks:
        text = (
            f"{blocks} weights are int4 by blocks, a form for the GPU of a Mac; palettes (4 or 6 bits) suit the Neural "
            "Engine best."
        )
        yield Remark("int4 blocks", text, COMPRESSION)
    if all(found.operators[name] for name in ROUNDING):
        text = (
            "Activations are int8 as well as weights (W8A8). A17 Pro, M4 and later compute int8 by int8 faster; others "
            "gain size alone."
        )
        yield Remark("int8 activations", text, ACTIVATIONS)


def _network(package: Package) -> Remark:
    text = (
        f"A {package.kind}: its layers of any rank (…ND, …Broadcastable) stay on CPU or GPU. A head is so small that "
        "it does not matter."
    )
    return Remark("neural network", text, LAYERS)


def _gives_float32(operation: Any) -> bool:
    return any(type_name(each.type) == "float32" for each in operation.outputs)
