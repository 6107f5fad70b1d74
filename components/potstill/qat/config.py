"""qat's options."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from potstill.options import choose, options
from potstill.qat.calibration import CALIBRATIONS
from potstill.training.options import TrainingOptions

QAT, STATIC, DYNAMIC = "qat", "static", "dynamic"
METHODS = (QAT, STATIC, DYNAMIC)
EMA, LEARNED = "ema", "learned"
RANGES = (EMA, LEARNED)
PERCENTILE = 99.99


@options
class QatConfig(TrainingOptions):
    """How the int8 model is made: by training, by calibration alone, or with inputs quantised as they come."""

    epochs: Annotated[int, Field(ge=1)] = 1
    """Passes over the rows."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Rows per optimiser step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 5e-5
    """Peak learning rate of AdamW."""
    dtype: str = "float32"
    """auto, float32 or bfloat16; bfloat16 blurs the int8 grid that is trained for."""
    rows: Annotated[int, Field(ge=0)] = 0
    """Rows (labelled and unlabelled) to train on; 0: all."""
    temperature: Annotated[float, Field(gt=0)] = 2.0
    """Softens both distributions in the distillation."""

    method: str = QAT
    """qat: train; static: calibrate ranges only; dynamic: inputs are quantised as they come."""
    calibration: str = "minmax"
    """How rows set the ranges of inputs, which qat begins with: minmax, percentile or entropy."""
    calibration_rows: Annotated[int, Field(ge=1)] = 512
    """Rows that set them."""
    percentile: Annotated[float, Field(gt=50, le=100)] = PERCENTILE
    """Share of an input's values, in percent, that calibration percentile leaves unclipped."""
    smoothing: Annotated[float, Field(ge=0, le=1)] = 0.0
    """SmoothQuant's alpha: how far outlier channels move from the inputs into the weights; 0: not at all."""
    ranges: str = EMA
    """What moves the ranges in training: ema of each batch's extremes, or learned with the weights (LSQ)."""
    freeze_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Last share of the steps in which ranges stand still."""

    max_accuracy_drop: Annotated[float, Field(ge=0, le=100)] = 0.0
    """The floor: points of validation accuracy that may be lost, by the bound; 0: none, all int8."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Level of the one-sided bound of what is lost."""
    sensitivity_rows: Annotated[int, Field(ge=1)] = 256
    """Validation rows on which the cost of each linear is measured, at most, when there is a floor."""

    @field_validator("method")
    @classmethod
    def _method(cls, value: str) -> str:
        return choose("method", value, METHODS)

    @field_validator("calibration")
    @classmethod
    def _calibration(cls, value: str) -> str:
        return choose("calibration", value, CALIBRATIONS)

    @field_validator("ranges")
    @classmethod
    def _ranges(cls, value: str) -> str:
        return choose("ranges", value, RANGES)

    @model_validator(mode="after")
    def _smoothed_ranges_stand(self) -> Self:
        if self.smoothing and self.method == DYNAMIC:
            raise ValueError(
                f"smoothing is for ranges that stand, got {self.smoothing:g} with method dynamic; "
                "choose method static or qat, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _heard(self) -> Self:
        """An option that another one leaves without effect is a misunderstanding."""
        if self.ranges == LEARNED and self.method != QAT:
            raise ValueError(f"ranges are learned by method qat alone, got learned with method {self.method}")
        if self.percentile != PERCENTILE and self.calibration != "percentile":
            raise ValueError(
                f"percentile is for calibration percentile, got {self.percentile:g} with calibration {self.calibration}"
            )
        return self
