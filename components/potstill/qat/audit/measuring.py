"""Measuring the ranges of all tensors of a model, on the rows that judge it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.data.batches import of_equal_length, pad
from potstill.data.tokens import VALIDATION, TokenTable
from potstill.encoder.quantization import Scales
from potstill.errors import InputError
from potstill.measure.torch_session import answer
from potstill.progress import progress
from potstill.qat.audit.counts import Magnitudes, Steps
from potstill.qat.audit.hurting import complaint
from potstill.qat.audit.places import Watched, find_tensors, watching
from potstill.qat.audit.record import FLOAT16_LIMIT, Audit, AuditedTensor, Side, Thresholds, write_figures
from potstill.qat.ranges import linears

BATCH = 64  # rows


def audit(model: PreTrainedModel, scales: Mapping[str, Scales], table: TokenTable, split: str = VALIDATION) -> Audit:
    """Measure how far each tensor reaches, and how well its int8 range holds it.

    Seen are inputs and outputs of leaf modules: linears, norms, activations, embeddings. What is computed between them
    is not: attention's scores and probabilities, residual sums that no norm reads, pooling. Rows of one length are
    computed together, so no padding is counted; a module that is called several times (ALBERT's layer) counts them
    all. Several processes each compute all rows.

    Args:
        model: plain float modules with the final weights; it computes where its parameters lie, and is left in
            evaluation mode.
        scales: of what computes in int8; a smoothed linear's input is measured as it is after smoothing.
        table: the rows.
        split: which rows they are, for the record.

    Returns: the figures of each tensor, in the order in which the model computes them. Greatest values and counts are
        exact, quantiles within 1/128.

    Raises:
        InputError: a tensor is NaN or infinite; the first in the model is named.
    """
    watched = find_tensors(model.eval(), scales, table)
    meters = {(each.name, each.side): _Meter(each) for each in watched}

    def see(name: str, side: Side, values: Tensor) -> None:
        if (name, side) in meters:
            meters[name, side].add(values)

    with torch.inference_mode(), watching(model, see):
        for rows in progress(list(of_equal_length(table, BATCH)), "range audit", unit="batch"):
            answer(model, pad(table, rows))
    places = {title for each in watched for title in (each.title, *each.also)}
    called = [name for name in linears(model) if f"input of {name}" in places]
    return Audit(
        split=split,
        rows=len(table),
        int8_linears=tuple(name for name in called if name in scales),
        float_linears=tuple(name for name in called if name not in scales),
        tensors=tuple(each.figures(Thresholds()) for each in meters.values()),
    )


def write_audit(folder: Path, found: Audit) -> None:
    """Write `range_audit.json` and `range_audit.svg`; the same audit gives the same bytes."""
    from potstill.qat.audit.plot import write_drawing  # noqa: PLC0415 - matplotlib is slow to load

    write_figures(folder, found)
    write_drawing(folder, found)


class _Meter:
    """Everything that is counted of one tensor."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.magnitudes = Magnitudes()
        self.steps = Steps(*watched.quantiser) if watched.quantiser else None

    def add(self, values: Tensor) -> None:
        """Count what one call saw."""
        scales, values = self.watched.scales, values.float()
        if scales is not None and scales.smoothing is not None:
            values = values * (1 / scales.smoothing.to(values.device))  # as a smoothed linear has it
        self.magnitudes.add(values)
        if self.steps and math.isfinite(self.magnitudes.greatest):
            self.steps.add(values)

    def figures(self, at: Thresholds) -> AuditedTensor:
        """Lay out what was counted, and judge it."""
        watched, steps, greatest = self.watched, self.steps, self.magnitudes.greatest
        if not math.isfinite(greatest):
            raise InputError(
                f"the {watched.title} becomes {greatest} in float32; pass a model whose float answers are finite"
            )
        p99 = self.magnitudes.quantile(0.99)
        found = AuditedTensor(
            name=watched.name,
            side=watched.side,
            also=tuple(watched.also),
            greatest=greatest,
            p999=self.magnitudes.quantile(0.999),
            p99=p99,
            low=steps.low if steps else None,
            high=steps.high if steps else None,
            clipped=steps.clipped if steps else None,
            levels=steps.used(p99) if steps else None,
            headroom=FLOAT16_LIMIT / greatest if greatest else None,
        )
        return replace(found, hurts=complaint(found, at))
