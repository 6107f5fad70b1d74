"""What in a program's graph may keep it off the Neural Engine: shapes, operators, and the layout of hidden states.

Apple publishes no limits. Those of shapes were found by others on devices, and are told as such.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

from potstill.coreml.inspection.facts import Remark
from potstill.coreml.inspection.stored import Declared, type_name

APPLE = "https://machinelearning.apple.com/research/neural-engine-transformers"
LAYERS = "https://github.com/hollance/neural-engine/blob/master/docs/unsupported-layers.md"
LIMITS = "https://ane-guide.readthedocs.io/en/latest/part-5-practice/17-model-design-rules.html"
RANKS = 'https://github.com/apple/coremltools ("Core ML only supports tensors with rank <= 5")'

LONGEST = 16_384  # entries along an axis; also the limit of ONNX Runtime's CoreML provider
RANK = 5  # axes of a tensor
PADDED = 64  # bytes to which the last axis is filled up
LARGE = 4_096  # entries; what filling up a smaller tensor costs nobody notices
LOOKUPS = ("gather", "gather_along_axis", "gather_nd")
OUTSIDE = (
    *(
        "argsort",
        "cond",
        "cumsum",
        "list_gather",
        "non_maximum_suppression",
        "non_zero",
        "one_hot",
        "range_1d",
        "shape",
    ),
    *("scatter", "scatter_along_axis", "scatter_nd", "sliding_windows", "topk", "while_loop"),
    *("gru", "lstm", "rnn"),
)
ARITHMETIC = ("add", "floor_div", "maximum", "minimum", "mod", "mul", "reduce_sum", "sub")


def on_graph(found: Declared) -> Iterator[Remark]:
    """Remark on what a program declares."""
    yield from _axes(found)
    yield from _lookups(found)
    yield from _operators(found)
    yield from _whole_numbers(found)
    yield from _layout(found)
    yield from _padding(found)


def _axes(found: Declared) -> Iterator[Remark]:
    deep = sorted(name for name, shape in found.shapes.items() if len(shape) > RANK)
    if deep:
        yield Remark("rank", f"{_some(deep)}: more than {RANK} axes, the most that Core ML takes. Merge axes.", RANKS)
    long = sorted(name for name, shape in found.shapes.items() if max(shape, default=0) > LONGEST)
    if long:
        text = f"{_some(long)}: an axis above {LONGEST:,}, the most that the Neural Engine was found to take. Cut it."
        yield Remark("long axis", text, LIMITS)


def _lookups(found: Declared) -> Iterator[Remark]:
    rows = [count for kind in LOOKUPS for each in found.places.get(kind, ()) if (count := _rows(each, found))]
    if not rows:
        return
    text = (
        f"{len(rows)} lookups in tables (the largest has {max(rows):,} rows) are likely to run on the CPU. That is "
        "usual for embeddings at the start and costs little; what follows can still be on the Neural Engine."
    )
    if max(rows) > LONGEST:
        text += f" More than {LONGEST:,} rows are too many in any case; a smaller vocabulary saves size, too."
    yield Remark("lookups", text, LAYERS)


def _operators(found: Declared) -> Iterator[Remark]:
    outside = sorted(name for name in found.operators if name in OUTSIDE)
    if outside:
        told = ", ".join(f"{name} {found.operators[name]}" for name in outside)
        text = f"{told}: not known to run on the Neural Engine; the graph is cut in parts around them."
        yield Remark("operators", text, LAYERS)


def _whole_numbers(found: Declared) -> Iterator[Remark]:
    names = [name for name in ARITHMETIC if any(_gives_integers(each) for each in found.places.get(name, ()))]
    if names:
        text = (
            f"Arithmetic on whole numbers ({', '.join(names)}) is not for an engine of float16. At the start, on masks "
            "and ids, it costs little."
        )
        yield Remark("integer arithmetic", text, LIMITS)


def _layout(found: Declared) -> Iterator[Remark]:
    linears = found.operators["linear"]
    if linears and not found.operators["conv"]:
        text = (
            f"Hidden states are (batch, tokens, width), and {linears} linears multiply the last axis. Apple's own "
            "transformers for the Neural Engine are (batch, width, 1, tokens) with 1×1 convolutions, of which it "
            "reports up to 10 times the speed; export with --layout channels_first, and compare on a device."
        )
        yield Remark("layout", text, APPLE)


def _padding(found: Declared) -> Iterator[Remark]:
    narrow = sorted(name for name, shape in found.shapes.items() if shape[-1:] == (1,) and prod(shape) >= LARGE)
    if narrow:
        text = f"{_some(narrow)}: the last axis has one entry, and is filled up to {PADDED} bytes. Move another there."
        yield Remark("padding", text, APPLE)


def _rows(operation: Any, found: Declared) -> int:
    """Rows of the constant that is looked up in; 0 where it is none."""
    source = operation.inputs["x"].arguments[0].name if "x" in operation.inputs else ""
    dimensions = found.makers[source].outputs[0].type.tensorType.dimensions if source in found.makers else ()
    return int(dimensions[0].constant.size) if dimensions else 0


def _gives_integers(operation: Any) -> bool:
    return any(type_name(each.type) == "int32" for each in operation.outputs)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
