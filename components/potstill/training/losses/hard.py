"""Hard labels: what the data set says; rows without a label are left out."""

from torch import Tensor
from torch.nn import functional

from potstill.data.tokens import NO_LABEL


def hard_labels(student: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the labelled rows, mean over them; 0 when the batch has none.

    Args:
        student: (rows, labels) logits.
        labels: (rows,) int64, NO_LABEL where there is none.
    """
    labelled = (labels != NO_LABEL).sum().clamp(min=1)
    return functional.cross_entropy(student.float(), labels, ignore_index=NO_LABEL, reduction="sum") / labelled


def hard_multi_labels(student: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy summed over labels, mean over the labelled rows; 0 when the batch has none.

    The sum over labels makes it weigh against `soft_multi_labels` as `hard_labels` does against `soft_labels`.

    Args:
        student: (rows, labels) logits.
        labels: (rows, labels) 1 or 0, NO_LABEL where it is not known: in a whole row, or label by label.
    """
    known = labels != NO_LABEL
    labelled = known.any(dim=-1).sum().clamp(min=1)
    targets, weight = labels.float(), known.float()
    total = functional.binary_cross_entropy_with_logits(student.float(), targets, weight=weight, reduction="sum")
    return total / labelled
