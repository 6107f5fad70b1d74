"""prune's options."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from potstill.data.tokens import TRAIN, VALIDATION
from potstill.options import choose, options
from potstill.prune.importance import NAMES
from potstill.training.options import TrainingOptions
from potstill.vocabulary.rule import Rule, refuse_two_rules

SPLITS = (VALIDATION, TRAIN)
Share = Annotated[float, Field(ge=0, lt=1)]


@options
class PruneConfig(TrainingOptions):
    """What may be removed, by which measure, in how many rounds, and where to stop."""

    epochs: Annotated[int, Field(ge=0)] = 1
    """Passes over the recovery rows after each round."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Rows per optimiser step."""

    head_sparsity: Share = 0.25
    """Share of all attention heads to remove; each layer keeps at least one."""
    ffn_sparsity: Share = 0.5
    """Share of all FFN neurons to remove."""
    hidden_sparsity: Share = 0.0
    """Share of the hidden width to remove, the same channels throughout the model."""
    drop_layers: Annotated[int, Field(ge=0)] = 0
    """Whole layers to remove, those whose absence costs least."""
    vocabulary_min_count: Annotated[int, Field(ge=0)] = 0
    """Drop word pieces seen less often than this outside the test split. 0: do not."""
    vocabulary_coverage: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Keep the commonest word pieces that cover this share of the texts, as 0.999. 0: do not."""
    max_unknown_rise: Annotated[float, Field(ge=0, le=1)] = 0.005
    """Refuse a smaller vocabulary that adds more than this to the share of [UNK]."""
    trim_positions: bool = True
    """Remove the position embeddings beyond the longest text of the tokens."""

    target_parameters: Annotated[int, Field(ge=0)] = 0
    """Remove no more than brings the model down to so many parameters. 0: no such target."""
    target_megabytes: Annotated[float, Field(ge=0)] = 0.0
    """The same for the float weights, in 10^6 bytes; int8 takes a quarter. 0: no such target."""
    target_megaflops: Annotated[float, Field(ge=0)] = 0.0
    """The same for 10^6 operations of one text of full length. 0: no such target."""
    target_latency_ms: Annotated[float, Field(ge=0)] = 0.0
    """The same for the milliseconds that the given latency table tells. 0: no such target."""

    importance: str = "taylor"
    """What says which unit matters: taylor, movement, l1, l2 or random."""
    importance_split: str = VALIDATION
    """Split whose labelled rows importance is measured on: validation or train."""
    importance_rows: Annotated[int, Field(ge=1)] = 1024
    """How many of its rows, at most; movement trains on all labelled train rows instead."""
    multiple: Annotated[int, Field(ge=1)] = 8
    """FFN neurons of a layer, and the hidden width, stay multiples of this, which matrix kernels like."""
    uniform: bool = False
    """Give every layer the same number of heads, and of FFN neurons."""

    rounds: Annotated[int, Field(ge=1)] = 3
    """Rounds of cutting and recovery on the way to the target, on a cubic schedule."""
    stop_after: Annotated[int, Field(ge=0)] = 0
    """End after this round, with the schedule of all of them. 0: run them all."""
    keep_rounds: bool = True
    """Keep the model of every round in the output, to choose another one later."""
    max_accuracy_drop: Annotated[float, Field(ge=0, le=100)] = 2.0
    """The floor: points of validation accuracy that may be lost, by the bound."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Level of the one-sided bound of what is lost."""
    recovery_rows: Annotated[int, Field(ge=0)] = 0
    """Rows (labelled and unlabelled) to recover on; 0: all."""
    temperature: Annotated[float, Field(gt=0)] = 2.0
    """Softens both distributions in the recovery's distillation."""

    @property
    def rule(self) -> Rule:
        """Which word pieces stay."""
        return Rule(
            min_count=self.vocabulary_min_count,
            coverage=self.vocabulary_coverage,
            max_unknown_rise=self.max_unknown_rise,
        )

    @field_validator("importance")
    @classmethod
    def _known_importance(cls, value: str) -> str:
        return choose("importance", value, NAMES)

    @field_validator("importance_split")
    @classmethod
    def _known_split(cls, value: str) -> str:
        return choose("importance_split", value, SPLITS)

    @model_validator(mode="after")
    def _within_the_rounds(self) -> Self:
        if self.stop_after > self.rounds:
            raise ValueError(
                f"stop_after must be at most rounds ({self.rounds}), got {self.stop_after}; 0 runs them all"
            )
        return self

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        refuse_two_rules(self.vocabulary_min_count, self.vocabulary_coverage)
        return self
