"""Soft labels: what the teacher thinks of every label, of one kind or of several at once."""

import torch
from torch import Tensor
from torch.nn import functional


def soft_labels(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL divergence from the teacher's softened distribution to the student's, times T², mean over rows.

    Args:
        student: (rows, labels) logits.
        teacher: (rows, labels) logits.
        temperature: T > 0; above 1 it shows more of what the teacher thinks of the wrong labels.

    Returns:
        At least 0; 0 where both distributions are equal.

    Source: arXiv:1503.02531 (T² keeps the gradient's size independent of T).
    """
    log_student = functional.log_softmax(student.float() / temperature, dim=-1)
    log_teacher = functional.log_softmax(teacher.detach().float() / temperature, dim=-1)
    return functional.kl_div(log_student, log_teacher, log_target=True, reduction="batchmean") * temperature**2


def soft_multi_labels(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL divergence of each label's yes or no, summed over labels, times T², mean over rows.

    A row may have several labels, so every label is a distribution of its own: σ(logit / T) and the rest.

    Args:
        student: (rows, labels) logits.
        teacher: (rows, labels) logits.
        temperature: T > 0.

    Returns:
        At least 0; 0 where all logits are equal.

    Source: arXiv:2308.06453 (multi-label logits distillation); T² as in arXiv:1503.02531.
    """
    student, teacher = student.float() / temperature, teacher.detach().float() / temperature
    yes = torch.sigmoid(teacher) * (functional.logsigmoid(teacher) - functional.logsigmoid(student))
    no = torch.sigmoid(-teacher) * (functional.logsigmoid(-teacher) - functional.logsigmoid(-student))
    return (yes + no).sum(dim=-1).mean() * temperature**2
