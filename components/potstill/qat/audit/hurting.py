"""When a tensor hurts, how badly, and in what words that is said."""

import math

from potstill.qat.audit.record import FLOAT16_LIMIT, STEPS, Audit, AuditedTensor, Thresholds

STRETCHED = 4  # a range that ends so many times beyond p99 is stretched; below, values use few steps for being alike


def severity(tensor: AuditedTensor, at: Thresholds) -> float:
    """Say how far a tensor is on the way to a threshold, at 1, or beyond it; infinite where float16 overflows."""
    if tensor.headroom is not None and tensor.headroom < 1:
        return math.inf
    coarse = at.levels / tensor.levels if tensor.levels else 0.0
    return max(
        coarse if _stretched(tensor) else min(coarse, 1.0),
        (tensor.clipped or 0.0) / at.clipped,
        at.headroom / tensor.headroom if tensor.headroom else 0.0,
    )


def worst_first(found: Audit) -> list[AuditedTensor]:
    """Sort an audit's tensors by how badly they hurt; equal ones stay in the model's order."""
    return sorted(found.tensors, key=lambda each: -severity(each, found.thresholds))


def hurting(found: Audit) -> list[AuditedTensor]:
    """The tensors that hurt, the worst first."""
    return [each for each in worst_first(found) if each.hurts]


def complaint(tensor: AuditedTensor, at: Thresholds) -> str:
    """Say what is wrong with a tensor, each figure named; empty where nothing is."""
    said = (_overflow(tensor, at), _clipping(tensor, at), _coarseness(tensor, at))
    return "; ".join(filter(None, said))


def _overflow(tensor: AuditedTensor, at: Thresholds) -> str:
    if tensor.headroom is None or tensor.headroom >= at.headroom:
        return ""
    if tensor.headroom < 1:
        limit = f"{FLOAT16_LIMIT:,.0f}"
        return (
            f"its greatest value {tensor.greatest:,.0f} is beyond float16's limit of {limit}: float16 makes it infinite"
        )
    return f"its greatest value {tensor.greatest:,.0f} is {tensor.headroom:.1f} times from float16's limit"


def _clipping(tensor: AuditedTensor, at: Thresholds) -> str:
    clipped = tensor.clipped or 0.0
    return f"{100 * clipped:.1f} % of its values are clipped" if clipped > at.clipped else ""


def _coarseness(tensor: AuditedTensor, at: Thresholds) -> str:
    if tensor.levels is None or tensor.reach is None or tensor.levels >= at.levels or not _stretched(tensor):
        return ""
    few = f"99 % of its values use {tensor.levels} of {STEPS} steps"
    if tensor.greatest > tensor.reach / 2:
        return f"{few}: a few outliers reach {tensor.greatest:.3g}"
    return f"{few}: its range ends at {tensor.reach:.3g}, its values at {tensor.greatest:.3g}"


def _stretched(tensor: AuditedTensor) -> bool:
    return (tensor.reach or 0.0) > STRETCHED * tensor.p99
