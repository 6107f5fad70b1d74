"""The tensors that hurt as a table: a row of cells for each."""

from potstill.qat.audit.hurting import hurting
from potstill.qat.audit.record import STEPS, Audit, AuditedTensor

HEAD = ("tensor", "greatest", "99.9 %", "99 %", "steps", "clipped %", "float16 / greatest", "what hurts")
NONE = "—"
MOST = 20  # rows; the worst tell enough


def rows(found: Audit) -> list[tuple[str, ...]]:
    """Return the cells of each tensor that hurts, under HEAD, the worst first, MOST at most."""
    return [_row(each) for each in hurting(found)[:MOST]]


def notes(found: Audit) -> list[str]:
    """Say what a reader must know to read table and picture rightly."""
    named, at = len(hurting(found)), found.thresholds
    seen = "inputs and outputs of linears, norms, activations and embeddings, the linears' inputs after smoothing"
    return [
        f"Measured on {found.rows:,} {found.split} rows in float: {seen}; not attention's scores.",
        f"99 %, 99.9 %: what so many of the values that are not 0 keep to. Steps: how many of {STEPS} the 99 % use.",
        f"A tensor hurts that uses less than {at.levels} steps, has more than {100 * at.clipped:g} % clipped, or comes "
        f"nearer to float16's limit than {at.headroom:g} times."
        + (f" The worst {MOST} of {named} are in the table." if named > MOST else ""),
    ]


def _row(tensor: AuditedTensor) -> tuple[str, ...]:
    return (
        tensor.title,
        f"{tensor.greatest:.4g}",
        f"{tensor.p999:.3g}",
        f"{tensor.p99:.3g}",
        NONE if tensor.levels is None else f"{tensor.levels}",
        NONE if tensor.clipped is None else f"{100 * tensor.clipped:.2f}",
        NONE if tensor.headroom is None else f"{tensor.headroom:,.1f}",
        tensor.hurts,
    )
