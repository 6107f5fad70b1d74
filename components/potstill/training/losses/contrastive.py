"""Contrastive transfer: the student's row must be told from all others by the teacher's."""

import torch
from torch import Tensor
from torch.nn import functional


def contrastive_cls(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """InfoNCE: cross-entropy of finding each row's teacher among those of the batch by cosine similarity.

    The rows are compared with each other, so half a batch has other losses than the batch: it cannot be computed in
    parts. Batches that are accumulated contrast each among themselves.

    Args:
        student: (rows, hidden), already projected to the teacher's width.
        teacher: (rows, hidden); the same row is the positive, the others are the negatives.
        temperature: divides the similarities; above 0, usually 0.05 to 0.2.

    Returns:
        Above 0, and log(rows) when nothing is told apart; 0 for a single row, which has no negatives.

    Source: arXiv:1807.03748 (InfoNCE), arXiv:2009.14167 (CoDIR, which distils so, with a memory bank of negatives).
    """
    student = functional.normalize(student.float(), dim=-1)
    teacher = functional.normalize(teacher.detach().float(), dim=-1)
    with torch.autocast(student.device.type, enabled=False):  # a similarity in bf16, over 0.05, errs by 0.08
        similarities = student @ teacher.T / temperature
    return functional.cross_entropy(similarities, torch.arange(len(student), device=student.device))
