"""The options of validate: how much is measured, and the budgets that the verdict holds the model to."""

from typing import Annotated

from pydantic import Field

from potstill.options import Threads, options


@options
class ValidateConfig:
    """What is measured, and which budgets decide the verdict (0: no budget).

    Budgets judge every int8 export that is given (ONNX, ONNX QDQ, Core ML), or the model itself where there is none.
    A budget whose figure could not be measured is failed.
    """

    test_rows: Annotated[int, Field(ge=0)] = 0
    """Test rows to evaluate on, evenly spaced, for a quick look; 0: all."""
    threads: Threads = 2
    """Rows computed side by side, each on one CPU thread; changes no figure. Latency is always measured one by one."""
    latency_rows: Annotated[int, Field(ge=1)] = 100
    """Test rows to time, evenly spaced, one at a time at their own length."""
    latency_warmup: Annotated[int, Field(ge=0)] = 10
    """Uncounted calls before the timed ones."""
    max_size_mb: Annotated[float, Field(ge=0)] = 0.0
    """Budget: megabytes on disk (1 MB = 1,000,000 bytes), at most; 0: none."""
    max_latency_p95_ms: Annotated[float, Field(ge=0)] = 0.0
    """Budget: 95th percentile of one row's milliseconds on one thread, at most; 0: none. Not for Core ML."""
    min_accuracy: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Budget: accuracy on the test split, as a share in [0, 1], at least; 0: none."""
    max_student_drop: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Budget: points of accuracy that the student may lose against the teacher; 0: none."""
    max_export_drop: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Budget: points of accuracy that an int8 export may lose against the student (without one: the model); 0: none."""
    min_agreement: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Budget: share of rows on which an exported format, float or int8, predicts what PyTorch does; 0: none."""
    beat_tfidf: bool = True
    """Budget: be more accurate than TF-IDF with logistic regression on the same labels."""
