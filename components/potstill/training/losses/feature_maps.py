"""Feature maps: hidden states of equal width, compared after normalisation, and their statistics beside."""

import torch
from torch import Tensor
from torch.nn import functional

from potstill.training.losses.padding import count_tokens, zero_padding

# The published run has hidden_distill_factor 100, beta_distill_factor 5000 and gamma_distill_factor 5; these are the
# latter two in units of the first.
MEAN_FACTOR = 50.0
VARIANCE_FACTOR = 0.05
EPSILON = 1e-12  # of the layer normalisation that the published code uses


def feature_maps(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """MobileBERT's feature map transfer of one layer: normalised discrepancy and discrepancy of statistics.

    For each real token, over its features: mean((LN(s) − LN(t))²) + 50·(mean(s) − mean(t))² + 0.05·|var(s) − var(t)|,
    where LN has no weights; then the mean over tokens. A weight of 100 and the mean over layers give what the published
    run adds up: 100 × normalised + 5000 × means + 5 × variances. Its attention transfer has a weight of 1.

    Args:
        student: (rows, tokens, hidden), the output of a layer; MobileBERT's is that of the whole block, as wide as the
            embeddings, not the bottleneck's.
        teacher: (rows, tokens, hidden), of the same width.
        mask: (rows, tokens), 1 for a token and 0 for padding.

    Source: arXiv:2004.02984 (MobileBERT) and its code, google-research/mobilebert/run_pretraining.py. That code takes
        the teacher's statistics from all layers at once, and counts padding; here they are the matched layer's.
    """
    student, teacher = zero_padding(student, mask), zero_padding(teacher.detach(), mask)
    width = student.shape[-1:]
    normalised = functional.layer_norm(student, width, eps=EPSILON) - functional.layer_norm(teacher, width, eps=EPSILON)
    variance, mean = torch.var_mean(student, dim=-1, correction=0)
    target_variance, target_mean = torch.var_mean(teacher, dim=-1, correction=0)
    each = (
        torch.square(normalised).mean(dim=-1)
        + MEAN_FACTOR * torch.square(mean - target_mean)
        + VARIANCE_FACTOR * (variance - target_variance).abs()
    )
    return each.sum() / count_tokens(mask)
