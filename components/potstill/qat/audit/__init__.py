"""The range audit: how far a model's tensors reach, how well int8 ranges hold them, and which of them hurt."""

from importlib import import_module
from typing import TYPE_CHECKING

from potstill.qat.audit.hurting import hurting, worst_first
from potstill.qat.audit.record import AUDIT, DRAWING, Audit, AuditedTensor, audit_from, read_audit

if TYPE_CHECKING:
    from potstill.qat.audit.measuring import audit, write_audit

__all__ = [
    "AUDIT",
    "DRAWING",
    "Audit",
    "AuditedTensor",
    "audit",
    "audit_from",
    "hurting",
    "read_audit",
    "worst_first",
    "write_audit",
]


def __getattr__(name: str) -> object:
    """Load what measures, and the libraries it computes with, when it is used; an audit is read without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.qat.audit.measuring"), name)
