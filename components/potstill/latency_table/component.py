"""The KFP interface of latency-table."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("latency-table"), install_kfp_package=False)
def latency_table(
    model: Input[Model],
    latency: Output[Dataset],
    metrics: Output[Metrics],
    from_json: Input[Dataset] = None,
    length: int = 32,
    format: str = "optimized",  # noqa: A002 - the option's name
    threads: int = 1,
    sizes: int = 4,
    repeats: int = 50,
) -> None:
    """Measure once what heads and FFN neurons cost here, so that pruning can aim at milliseconds.

    Args:
        model: checkpoint/v1 of a BERT or a MobileBERT, pruned or not; its shape counts, and none of its weights.
        from_json: a table measured elsewhere, as on a phone: sealed, and nothing is measured; optional.
        length: Tokens of the row that is timed.
        format: What runs: optimized (fused, fp32) or int8 (fused, dynamic), as onnx-export makes them.
        threads: Threads within an operator. A phone's single row is served by one.
        sizes: How many numbers of heads, and of FFN neurons, are measured; the line between two of them tells the rest.
        repeats: How often each shape is timed; the shapes take turns, so that a slow minute slows all of them.

    Returns:
        latency: The latency/v1: milliseconds by heads and by FFN neurons.
        metrics: The base, the checkpoint's own milliseconds, how far the table was off on its checks, seconds.
    """
    from potstill.kfp_io import run
    from potstill.latency_table import LatencyTableConfig, measure_latencies

    run(
        measure_latencies,
        lambda: LatencyTableConfig(length=length, format=format, threads=threads, sizes=sizes, repeats=repeats),
        {"model": model, "from_json": from_json},
        {"latency": latency},
        metrics,
    )
