"""The options that every training stage shares."""

from typing import Annotated

from pydantic import Field, field_validator

from potstill.options import UNRECORDED, Seed, Threads, choose, options
from potstill.store.places import check_place

DTYPES = ("auto", "float32", "bfloat16")
LONGEST = 1e6  # seconds; a thread cannot be told to wait for ever longer


@options
class TrainingOptions:
    """How long, how fast and how exactly a model is trained."""

    epochs: Annotated[int, Field(ge=0)] = 3
    """Passes over the training rows, at most."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Rows computed at a time; times `accumulate`, the rows per optimiser step."""
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Batches per optimiser step, which is the step that one batch of them all would take."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-4
    """Peak learning rate of AdamW."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor on the learning rate per layer below the top (arXiv:2006.05987); 1: all learn alike."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """AdamW's weight decay; biases and norms are left out."""
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of all steps in which the learning rate rises; it falls linearly to 0 after."""
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Gradients are scaled down to this L2 norm."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share kept in a step by the moving average of the weights, at most (1 + n)/(10 + n) after n; 0: none."""
    patience: Annotated[int, Field(ge=0)] = 2
    """Stop after so many epochs without a better validation score; 0: never stop early."""
    seed: Seed = 0
    """Seed of initial weights, row order and dropout."""
    threads: Threads = 2
    """CPU threads. Part of the recipe: another number gives other last bits."""
    dtype: str = "auto"
    """auto, float32 or bfloat16; auto is bfloat16 where the processor multiplies it natively."""

    checkpoint_uri: Annotated[str, UNRECORDED] = ""
    """Where the training's state is kept (file:///… or s3://…), to outlive a kill; empty: nowhere."""
    checkpoint_seconds: Annotated[float, Field(gt=0, le=LONGEST), UNRECORDED] = 60.0
    """Seconds between two checkpoints; more where saving would take over 2 % of the time."""
    stall_seconds: Annotated[float, Field(ge=0, le=LONGEST), UNRECORDED] = 600.0
    """Seconds without a step after which a training counts as stuck and is ended; 0: never."""

    @field_validator("checkpoint_uri")
    @classmethod
    def _checkpoint_uri(cls, value: str) -> str:
        if value:
            check_place(value)
        return value

    @field_validator("stall_seconds")
    @classmethod
    def _stall_seconds(cls, value: float) -> float:
        if 0 < value < 1:
            raise ValueError(f"stall_seconds must be 0, for never, or at least 1, got {value:g}")
        return value

    @field_validator("dtype")
    @classmethod
    def _dtype(cls, value: str) -> str:
        return choose("dtype", value, DTYPES)
