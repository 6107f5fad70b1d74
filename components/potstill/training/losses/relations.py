"""Self-attention relations: which tokens have like queries, keys or values."""

import torch
from torch import Tensor

from potstill.training.losses.padding import count_tokens, log_softmax_over_tokens, real_pairs, zero_padding
from potstill.training.losses.scores import scores


def relations(states: Tensor, heads: int, mask: Tensor) -> Tensor:
    """Return log softmax(S·Sᵀ/√d) over real tokens, for each of `heads` relation heads of width d.

    The heads' vectors are taken together and cut anew, so a student needs neither its teacher's width nor its heads.

    Args:
        states: (rows, tokens, width) queries, keys or values of one layer.
        heads: relation heads; divides the width of student and teacher. The paper: 48 for a base-sized teacher.
        mask: (rows, tokens), 1 for a token and 0 for padding.

    Returns:
        (rows, heads, tokens, tokens) fp32; its exp is 0 at padded keys, and means nothing at padded queries.

    Raises:
        OptionError: `heads` does not divide the width.

    Source: arXiv:2012.15828 (MiniLMv2), equations 7 and 8.
    """
    whole = zero_padding(states, mask)
    return log_softmax_over_tokens(scores(whole, whole, heads), mask)


def relation_divergence(student_log: Tensor, teacher_probabilities: Tensor, mask: Tensor) -> Tensor:
    """KL divergence from the teacher's relations to the student's, mean over heads and real queries.

    Args:
        student_log: (rows, heads, tokens, tokens) log-probabilities, of `relations`.
        teacher_probabilities: likewise, but probabilities; fp16 serves.
        mask: (rows, tokens), 1 for a token and 0 for padding.

    Returns:
        At least 0, but for the rounding of the probabilities (10⁻³ in fp16); 0 where all distributions are equal.

    Source: arXiv:2012.15828 (MiniLMv2), equations 5 and 6, said there for one sequence; here all tokens of a batch
        weigh the same, as in the other losses.
    """
    padded = ~real_pairs(mask)
    teacher = teacher_probabilities.detach().float().masked_fill(padded, 0.0)
    student = student_log.float().masked_fill(padded, 0.0)
    divergence = torch.xlogy(teacher, teacher) - teacher * student
    return divergence.sum() / (count_tokens(mask) * student.shape[1])
