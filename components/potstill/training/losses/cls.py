"""The first token's state after each layer: what the classifier will read."""

import torch
from torch import Tensor
from torch.nn import functional


def cls_states(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared distance of the two directions, mean over rows and layers; in [0, 4].

    Args:
        student: (rows, hidden) or (rows, layers, hidden), already projected to the teacher's width.
        teacher: likewise.

    Source: arXiv:1908.09355 (PKD), there a sum over layers and rows. Its code takes the mean over features, too: its β
        (500 in the example it ships) is here a weight of β / hidden, 500 / 768 = 0.65. It leaves out the last layer.
    """
    difference = functional.normalize(student.float(), dim=-1) - functional.normalize(teacher.detach().float(), dim=-1)
    return torch.square(difference).sum(dim=-1).mean()
