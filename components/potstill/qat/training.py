"""Quantisation-aware training: from calibrated ranges to weights and scales that fit each other."""

import copy
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from potstill.data.tokens import TokenTable
from potstill.encoder.quantization import Scales
from potstill.measure.torch_session import predict_torch
from potstill.progress import tell
from potstill.qat.config import LEARNED, QatConfig
from potstill.qat.fake_quant import prepare, settle
from potstill.qat.objective import FreezingDistillation
from potstill.qat.post_training import Calibrated
from potstill.training.answers import teacher_answers
from potstill.training.loop import fit
from potstill.training.resume import Checkpoints
from potstill.training.scoring import nearness_on
from potstill.training.state import TrainingState


@dataclass(frozen=True)
class Trained:
    """What a training ended with.

    Attributes:
        scales: of linears and embeddings that are int8.
        state: of the training.
        better: whether it answers more like its teacher than calibration alone; else that was kept.
    """

    scales: dict[str, Scales]
    state: TrainingState
    better: bool


def train(
    model: PreTrainedModel,
    teacher: PreTrainedModel,
    rows: tuple[TokenTable, TokenTable],
    start: Calibrated,
    config: QatConfig,
    checkpoints: Checkpoints,
) -> Trained:
    """Train a model while it computes as int8 will, towards its teacher's answers.

    Args:
        model: the float classifier; it ends with the trained weights, float and plain again.
        teacher: whose answers are learned: another classifier, or the model itself as it was.
        rows: those to learn from, and those that choose the epoch.
        start: the ranges to begin with.
        config: the options.
        checkpoints: where the training's state is kept.
    """
    learned, validation = rows
    answers = teacher_answers(teacher, learned, config, "teacher answers")
    prepare(model, start.ranges, start.smoothing, learned=config.ranges == LEARNED)
    wanted = torch.from_numpy(predict_torch(teacher, validation, what="teacher answers"))
    nearness = nearness_on(validation, wanted, config.temperature)
    untrained, before = nearness(model), copy.deepcopy(model.state_dict())
    objective = FreezingDistillation(answers, config.temperature, config.freeze_share)
    state = fit(model, learned, objective, config, nearness, "qat", checkpoints=checkpoints)
    better = state.best_score >= untrained
    if not better:
        tell("qat: training moved the answers away from the teacher's; calibration alone is kept")
        model.load_state_dict(before)
    return Trained(settle(model), state, better)
