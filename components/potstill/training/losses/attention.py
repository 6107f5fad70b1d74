"""Attention: whom each token looks at, as scores or as distributions."""

import torch
from torch import Tensor

from potstill.training.losses.padding import log_softmax_over_tokens, real_pairs
from potstill.training.losses.relations import relation_divergence


def attention_scores(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of attention scores before the softmax, over heads and real pairs of tokens.

    Where the numbers of heads differ, the mean over heads of each side is compared.

    Args:
        student: (rows, heads, tokens, tokens), of `scores`.
        teacher: (rows, heads, tokens, tokens).
        mask: (rows, tokens), 1 for a token and 0 for padding.

    Source: arXiv:1909.10351 (TinyBERT), equation 7: unnormalised scores, for they converge faster. Its code sums this
        over layers, and counts padded pairs, as zeros where the key is padded; it wants equal numbers of heads.
    """
    student, teacher = student.float(), teacher.detach().float()
    if student.shape[1] != teacher.shape[1]:
        student, teacher = student.mean(dim=1, keepdim=True), teacher.mean(dim=1, keepdim=True)
    pairs = real_pairs(mask)
    squares = torch.square((student - teacher).masked_fill(~pairs, 0.0))
    return squares.sum() / (pairs.sum().clamp(min=1) * student.shape[1])


def attention_distributions(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """KL divergence of each head's attention from the teacher's to the student's, mean over heads and real queries.

    Args:
        student: (rows, heads, tokens, tokens) scores before the softmax, of `scores`.
        teacher: likewise, of as many heads.
        mask: (rows, tokens), 1 for a token and 0 for padding.

    Returns:
        At least 0; 0 where all distributions are equal.

    Source: arXiv:2004.02984 (MobileBERT), attention transfer. Its code leaves out the teacher's entropy, which has no
        gradient, and lets padding take part.
    """
    probabilities = log_softmax_over_tokens(teacher.detach(), mask).exp()
    return relation_divergence(log_softmax_over_tokens(student, mask), probabilities, mask)
