"""The budgets themselves: what a release must keep to, typed, with defaults from MobileBERT practice."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Points = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(gt=0)]


class Budgets(BaseModel):
    """What is asked of every model that a phone would carry; null: no such budget.

    A budget that the file names is asked for explicitly: it fails where nothing at all could be measured for it. One
    that stands at its default is then left out.

    Source: MobileBERT (arXiv:2004.02984) keeps BERT's GLUE score within 0.6 points at 25.3 million parameters and
    answers in 62 ms on a Pixel 4; docs/validate/budgets.md says where each default comes from.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    max_accuracy_loss: Points | None = 2.0
    """Points of accuracy that may be lost against the teacher (without one: PyTorch in float), by the upper bound."""
    max_class_loss: Points | None = 5.0
    """Points of recall that any one class may lose likewise; bounds corrected by Holm's method, all classes at once."""
    min_accuracy: Share | None = None
    """Accuracy on the test split, as a share in [0, 1], at least."""
    min_agreement: Share | None = 0.95
    """Share of rows on which every exported file, float or compressed, predicts what PyTorch does, at least."""
    beat_tfidf: bool = True
    """Whether the model must be more accurate than TF-IDF with logistic regression on the same labels."""
    max_ece: Share | None = 0.1
    """Expected calibration error in [0, 1], 15 bins: how far its probabilities are from how often it is right."""
    max_unk_rate: Share | None = 0.02
    """Share of the test split's tokens that the tokenizer does not know ([UNK]), at most."""
    max_robustness_loss: Points | None = 10.0
    """Points of accuracy that the worst disturbance may cost beyond what it costs the reference; truncation apart."""
    max_size_mb: Amount | None = 20.0
    """Megabytes on disk (1 MB = 1,000,000 bytes), at most."""
    max_memory_mb: Amount | None = 100.0
    """Megabytes that the model adds to a fresh process at its peak; of a device, the megabytes that it reports."""
    max_latency_p95_ms: Amount | None = 62.0
    """Milliseconds of one row, 95th percentile: here on one thread, and on every device that was measured."""
    max_latency_ratio: Amount | None = 0.25
    """Median latency as a part of the teacher's median on the same processor; only where the teacher was timed."""
    max_cold_start_ms: Amount | None = None
    """Milliseconds from an unopened file to the first answer, at most."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Level of the one-sided bounds of what is lost."""

    def asked(self, name: str) -> bool:
        """Tell whether there is such a budget."""
        limit = getattr(self, name)
        return limit is not None and limit is not False

    def explicit(self, name: str) -> bool:
        """Tell whether the file names it, even if with the default's value."""
        return name in self.model_fields_set
