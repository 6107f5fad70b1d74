"""The stage: a checkpoint's shape in, what its heads and neurons cost on this machine out."""

from dataclasses import asdict
from pathlib import Path

from transformers import PretrainedConfig

from potstill.artifacts import CHECKPOINT, LATENCY, expect, seal
from potstill.encoder.checkpoint import read_config
from potstill.errors import OptionError
from potstill.latency_table.config import LatencyTableConfig
from potstill.latency_table.fit import fit
from potstill.latency_table.graphs import open_shape
from potstill.latency_table.processor import processor
from potstill.latency_table.shapes import check_shapes, measured_shapes
from potstill.latency_table.table import Check, LatencyTable, parse_table, write_table
from potstill.latency_table.timing import in_turns
from potstill.measure.measures import Measures
from potstill.output_folder import creating
from potstill.progress import progress, tell
from potstill.provenance import maker
from potstill.prune.cost import latency_ms
from potstill.prune.shape import Shape, shape_of
from potstill.training.device import reproducible

TOLD = ("family", "hidden", "head_size", "length", "format", "threads", "processor")
DOUBTFUL = 0.1  # of the measured time: a table that is further off on a check is told to be


def measure_latencies(
    model: Path, latency: Path, config: LatencyTableConfig, from_json: Path | None = None
) -> Measures:
    """Measure once what heads and FFN neurons cost here, so that pruning can aim at milliseconds.

    Random models of a few sizes are exported, run in turns by onnxruntime, and taken apart into a base and what each
    layer adds. Three further shapes are predicted and then measured: how far off that was stands in the table.

    Args:
        model: `checkpoint/v1` of a BERT or a MobileBERT, pruned or not; its shape counts, and none of its weights.
        latency: where the `latency/v1` is written.
        config: the options.
        from_json: a table measured elsewhere, as on a phone: sealed, when it fits the model, and nothing is measured.

    Returns: `base_ms`; `model_ms`, what the table says of the checkpoint itself; `worst_error` of the checks, as a
        share of what was measured, where there are any.

    Raises:
        ArtifactError: the model is not sealed, or of another kind.
        InputError: a family without a table, or a JSON file that is none, or one that does not fit the model.
        OptionError: rows longer than the model takes, or options of a measurement that is not made.

    Source: arXiv:2302.04089 (ZipLM), §3.2.
    """
    source = expect(model, CHECKPOINT)
    like = read_config(model)
    own = shape_of(like)
    if from_json is None:
        _require_room(own, config)
    else:
        _refuse_options(config)
    with creating(latency, LATENCY, model, from_json), reproducible(0, config.threads):
        table = _measure(like, own, config) if from_json is None else parse_table(from_json)
        predicted = latency_ms(own, table)  # refuses a table that does not fit
        write_table(table, latency)
        told = {name: getattr(table, name) for name in TOLD}
        made_by = maker("latency-table", config)
        seal(latency, LATENCY, made_by, {"model": source}, {**told, "from_json": from_json is not None})
    return {"base_ms": table.base_ms, "model_ms": predicted, **_worst(table)}


def _require_room(own: Shape, config: LatencyTableConfig) -> None:
    if config.length > own.positions:
        raise OptionError(f"length must be at most {own.positions}, the positions of the model, got {config.length}")


def _refuse_options(config: LatencyTableConfig) -> None:
    given, default = asdict(config), asdict(LatencyTableConfig())
    idle = [name for name, value in given.items() if value != default[name]]
    if idle:
        raise OptionError(f"from_json measures nothing, so leave out {', '.join(idle)}; the file says what was run")


def _measure(like: PretrainedConfig, own: Shape, config: LatencyTableConfig) -> LatencyTable:
    shapes, checks = measured_shapes(own, config.sizes), check_shapes(own, config.sizes)
    calls = [open_shape(like, each, config) for each in progress([*shapes, *checks], "exporting shapes", unit="shape")]
    milliseconds = in_turns(calls, config.repeats, config.threads)
    parts = fit(shapes, milliseconds[: len(shapes)])
    table = LatencyTable(
        family=own.family,
        hidden=own.hidden,
        head_size=own.head_size,
        length=config.length,
        format=config.format,
        threads=config.threads,
        processor=processor(),
        base_ms=parts.base,
        attention=parts.attention,
        ffn=parts.ffn,
    )
    measured = zip(checks, milliseconds[len(shapes) :], strict=True)
    table.check.extend(_check(shape, table, float(taken)) for shape, taken in measured)
    return table


def _check(shape: Shape, table: LatencyTable, measured: float) -> Check:
    return Check(shape.layers, list(shape.heads), list(shape.neurons), latency_ms(shape, table), measured)


def _worst(table: LatencyTable) -> dict[str, float]:
    for each in table.check:
        told = f"{each.predicted_ms:.2f} ms predicted, {each.measured_ms:.2f} ms measured, {each.error:+.1%}"
        tell(f"check: {each.layers} layers, heads {_list(each.heads)}, neurons {_list(each.neurons)}: {told}")
    if not table.check:
        return {}
    worst = max(abs(each.error) for each in table.check)
    if worst > DOUBTFUL:
        tell(f"the table is up to {worst:.0%} off; run it again while the machine does nothing else, with more repeats")
    return {"worst_error": worst}


def _list(sizes: list[int]) -> str:
    even = len(set(sizes)) == 1
    return f"{len(sizes)} × {sizes[0]}" if even else " ".join(map(str, sizes))
