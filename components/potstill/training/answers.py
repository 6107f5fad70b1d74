"""What the teacher answers: computed once for all rows, and learned from in every epoch."""

import torch
from torch import Tensor, nn

from potstill.data.tokens import TokenTable
from potstill.errors import InputError
from potstill.measure.torch_session import predict_torch
from potstill.training.device import autocast, pick_device, resolve_dtype
from potstill.training.options import TrainingOptions


def teacher_answers(teacher: nn.Module, table: TokenTable, options: TrainingOptions, what: str) -> Tensor:
    """Compute the teacher's logits of every row.

    Args:
        teacher: a classifier in evaluation mode; it ends on the CPU.
        table: the rows.
        options: give the precision.
        what: what the progress line says.

    Returns: (rows, labels) float32.

    Raises:
        InputError: an answer is not finite.
    """
    device = pick_device()
    with autocast(resolve_dtype(options.dtype, device), device):
        logits = torch.from_numpy(predict_torch(teacher.to(device), table, what=what))
    teacher.to("cpu")
    if not bool(logits.isfinite().all()):
        raise InputError("the teacher answers NaN or infinity; pass a teacher whose answers are finite")
    return logits
