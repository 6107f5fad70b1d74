"""Distillation losses: pure functions of tensors, each with its paper."""

import torch
from torch import Tensor
from torch.nn import functional

from potstill.data.tokens import NO_LABEL


def soft_labels(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL divergence from the teacher's softened distribution to the student's, times T², mean over rows.

    Args:
        student: (rows, labels) logits.
        teacher: (rows, labels) logits.
        temperature: T > 0; above 1 it shows more of what the teacher thinks of the wrong labels.

    Source: arXiv:1503.02531 (T² keeps the gradient's size independent of T).
    """
    log_student = functional.log_softmax(student / temperature, dim=-1)
    log_teacher = functional.log_softmax(teacher / temperature, dim=-1)
    return functional.kl_div(log_student, log_teacher, log_target=True, reduction="batchmean") * temperature**2


def hard_labels(student: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the labelled rows, mean over them; 0 when the batch has none.

    Args:
        student: (rows, labels) logits.
        labels: (rows,) int64, NO_LABEL where there is none.
    """
    labelled = int((labels != NO_LABEL).sum())
    total = functional.cross_entropy(student, labels, ignore_index=NO_LABEL, reduction="sum")
    return total / max(1, labelled)


def hidden_states(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of two layers' hidden states over real tokens.

    Args:
        student: (rows, tokens, hidden), already projected to the teacher's width.
        teacher: (rows, tokens, hidden).
        mask: (rows, tokens), 1 for a token and 0 for padding.

    Source: arXiv:1909.10351 (TinyBERT), equation 8.
    """
    real = mask[..., None].to(student.dtype)
    squares = torch.square(student - teacher) * real
    return squares.sum() / (real.sum() * student.shape[-1])
