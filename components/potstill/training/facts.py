"""What is told of a training run: in a stage's measures, and in its manifest."""

from torch import nn

from potstill.encoder.checkpoint import parameter_count
from potstill.training.device import pick_device, resolve_dtype
from potstill.training.options import TrainingOptions
from potstill.training.state import TrainingState


def training_measures(state: TrainingState, model: nn.Module) -> dict[str, float]:
    """The figures of a training run."""
    return {
        "parameters": float(parameter_count(model)),
        "epochs": float(state.epoch),
        "best_epoch": float(state.best_epoch),
        "steps": float(state.step),
        "padding_share": state.padding_share,
        "loss": state.losses[-1] if state.losses else 0.0,
    }


def training_facts(state: TrainingState, config: TrainingOptions) -> dict[str, object]:
    """What a manifest tells of a training run; every figure here is reproducible."""
    return {
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "steps": state.step,
        "padding_share": state.padding_share,
        "dtype": str(resolve_dtype(config.dtype, pick_device())).removeprefix("torch."),
        "loss_per_epoch": state.losses,
        "validation_score_per_epoch": state.scores,
    }
