"""Hidden states, token by token."""

import torch
from torch import Tensor

from potstill.training.losses.padding import count_tokens, zero_padding


def hidden_states(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of two layers' hidden states, or of the embeddings, over real tokens.

    Args:
        student: (rows, tokens, hidden), already projected to the teacher's width.
        teacher: (rows, tokens, hidden).
        mask: (rows, tokens), 1 for a token and 0 for padding.

    Source: arXiv:1909.10351 (TinyBERT), equations 8 and 9. Its code sums this over layers, and counts padding in
        the mean.
    """
    difference = zero_padding(student, mask) - zero_padding(teacher.detach(), mask)
    return torch.square(difference).sum() / (count_tokens(mask) * student.shape[-1])
