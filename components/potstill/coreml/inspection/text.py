"""Facts as a person reads them in a terminal."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from potstill.coreml.inspection.facts import Described, Facts, Remark
from potstill.coreml.inspection.sizes import GRAPH

MEGABYTE = 1_000_000
WIDTH = 110
BAR = 24  # characters of the longest bar
LARGEST = 8  # weights that are listed one by one
LABELS = 20  # that are listed


def told(facts: Facts, indent: str = "") -> str:
    """Write facts as lines; the models of a pipeline follow, indented."""
    lines = [line for section in _sections(facts) for line in section]
    below = [told(part, indent + "  ") for part in facts.parts]
    return "\n".join([*(indent + line if line else "" for line in lines), *below])


def megabytes(count: int) -> str:
    """Write bytes as megabytes, with enough digits for a small model."""
    return f"{count / MEGABYTE:.2f} MB" if count >= MEGABYTE / 10 else f"{count / 1000:.1f} kB"


def _sections(facts: Facts) -> Iterator[Iterable[str]]:
    yield _head(facts)
    yield _features("takes", facts.inputs)
    yield _features("gives", facts.outputs)
    if facts.labels:
        more = f" … {len(facts.labels) - LABELS} more" if len(facts.labels) > LABELS else ""
        yield ["", f"labels ({len(facts.labels)})", *_wrapped(", ".join(map(str, facts.labels[:LABELS])) + more)]
    if facts.sizes:
        yield _sizes(facts)
    if facts.compression:
        yield _compression(facts)
    if facts.operators:
        yield _operators(facts)
    if not facts.parts:
        yield _advice(facts.advice)
    yield _metadata(facts.metadata)


def _head(facts: Facts) -> Iterator[str]:
    target = facts.target
    updatable = ", updatable on the device" if facts.updatable else ""
    yield f"{facts.name}  {megabytes(facts.bytes)}  {facts.kind}{updatable}"
    yield f"runs on {target.ios}, {target.macos} and later (specification {target.specification})"
    if len(facts.functions) > 1:
        others = ", ".join(name for name in facts.functions if name != facts.function)
        yield f"function {facts.function}; others, by --function: {others}"
    if facts.parts:
        yield f"{len(facts.parts)} models, one after the other, below"
    if facts.not_executed:
        yield f"{'damaged' if facts.damaged else 'not executed here'}: {facts.not_executed}"


def _features(title: str, features: Sequence[Described]) -> Iterator[str]:
    yield ""
    yield title
    for each in features:
        yield f"  {each.name:<24} {each.type:<12} {each.shape}{'  ' if each.note else ''}{each.note}".rstrip()


def _sizes(facts: Facts) -> Iterator[str]:
    yield ""
    yield "size by part"
    greatest = max((each.bytes for each in facts.sizes), default=1) or 1
    for each in facts.sizes:
        share, bar = each.bytes / max(facts.bytes, 1), "█" * round(BAR * each.bytes / greatest)
        yield f"  {each.name:<{len(GRAPH)}} {megabytes(each.bytes):>10} {share:>7.1%}  {bar}".rstrip()
    yield f"  {'in all':<{len(GRAPH)}} {megabytes(facts.bytes):>10}"


def _compression(facts: Facts) -> Iterator[str]:
    yield ""
    yield f"{'weights':<28} {'count':>7} {'entries':>13} {'uncompressed':>13} {'here':>10}  times smaller"
    for each in facts.compression:
        times = f"{each.dense_bytes / each.bytes:.2f}" if each.bytes else ""
        yield (
            f"  {each.kind:<26} {each.weights:>7} {each.entries:>13,} {megabytes(each.dense_bytes):>13} "
            f"{megabytes(each.bytes):>10}  {times}"
        )
    dense, stored = (sum(getattr(each, name) for each in facts.compression) for name in ("dense_bytes", "bytes"))
    times = f"{dense / max(stored, 1):.2f}"
    yield f"  {'in all':<26} {'':>7} {'':>13} {megabytes(dense):>13} {megabytes(stored):>10}  {times}"
    yield ""
    yield "largest weights"
    for one in facts.weights[:LARGEST]:
        shape = " × ".join(map(str, one.shape))
        shared = f", one scale or palette for {one.grain}" if one.grain else ""
        zeros = f", {one.sparsity:.0%} zeros" if one.sparsity else ""
        yield f"  {megabytes(one.bytes):>10}  {one.name}  {shape}  {one.kind}{shared}{zeros}"


def _operators(facts: Facts) -> Iterator[str]:
    yield ""
    yield f"operators ({sum(facts.operators.values())})"
    yield from _wrapped(", ".join(f"{name} {count}" for name, count in facts.operators.items()))
    if facts.activations:
        yield "computed values"
        yield from _wrapped(", ".join(f"{name} {count}" for name, count in facts.activations.items()))


def _advice(advice: Sequence[Remark]) -> Iterator[str]:
    yield ""
    yield "Neural Engine (told from the package alone: nothing was run on a device)"
    if not advice:
        yield "  nothing found that would keep it off"
    for each in advice:
        yield from _wrapped(f"{each.subject}: {each.text}", first="  · ", rest="    ")
        yield f"    {each.source}"


def _metadata(metadata: Mapping[str, str]) -> Iterator[str]:
    if metadata:
        yield ""
        yield "metadata"
    for name, value in metadata.items():
        yield from _wrapped(f"{name}: {value}", rest="    ")


def _wrapped(text: str, first: str = "  ", rest: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
