"""The KFP interface of validate, and of the gate that follows it."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import HTML, ClassificationMetrics, Dataset, Input, Markdown, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("validate"), install_kfp_package=False)
def validate(
    tokens: Input[Dataset],
    model: Input[Model],
    report: Output[Dataset],
    figures: Output[Dataset],
    page: Output[HTML],
    markdown: Output[Markdown],
    metrics: Output[Metrics],
    confusion: Output[ClassificationMetrics],
    onnx: Input[Model] = None,
    package: Input[Model] = None,
    teacher: Input[Model] = None,
    student: Input[Model] = None,
    pruned: Input[Model] = None,
    test_rows: int = 0,
    threads: int = 2,
    latency_rows: int = 100,
    latency_warmup: int = 10,
    max_size_mb: float = 0.0,
    max_latency_p95_ms: float = 0.0,
    min_accuracy: float = 0.0,
    max_student_drop: float = 0.0,
    max_export_drop: float = 0.0,
    min_agreement: float = 0.0,
    beat_tfidf: bool = True,
) -> NamedTuple("Outputs", verdict=str, failures=str):  # type: ignore[valid-type]
    """Judge every format on the whole test split, and hold it to its budgets; never fails for one.

    Args:
        tokens: tokens/v1; its test split judges, its train split trains the TF-IDF rival.
        model: checkpoint/v1, the last one, with int8 scales or without.
        onnx: onnx/v1 made from the model.
        package: coreml/v1 made from the model.
        teacher: checkpoint/v1 of the teacher.
        student: checkpoint/v1 of the student as distilled.
        pruned: checkpoint/v1 of the pruned student.
        test_rows: Test rows to evaluate on, for a quick look; 0 is all.
        threads: Rows computed side by side, each on one CPU thread; changes no figure.
        latency_rows: Test rows to time, one at a time.
        latency_warmup: Uncounted calls before the timed ones.
        max_size_mb: Budget, megabytes of an int8 export at most; 0 is none.
        max_latency_p95_ms: Budget, 95th percentile of one row's milliseconds at most; 0 is none.
        min_accuracy: Budget, accuracy as a share in [0, 1] at least; 0 is none.
        max_student_drop: Budget, points that the student may lose against the teacher; 0 is none.
        max_export_drop: Budget, points that an int8 export may lose against the student; 0 is none.
        min_agreement: Budget, share of rows on which an export predicts what PyTorch does, at least; 0 is none.
        beat_tfidf: Budget, be more accurate than TF-IDF on the same labels.

    Returns:
        report: The sealed report/v1 with every reproducible figure and every prediction.
        figures: One JSON file with all figures: the report's, latency, budgets, verdict.
        page: The HTML report.
        markdown: The Markdown report.
        metrics: Accuracy, macro-F1, agreement, megabytes and milliseconds of each model, failed budgets, seconds.
        confusion: The confusion matrix of the model that ships.
        verdict: pass or fail.
        failures: One failed budget a line; empty when all are met.
    """
    from pathlib import Path

    from potstill.kfp_io import run, write_payload
    from potstill.validate import ValidateConfig, validate_models
    from potstill.validate.figures import read_figures

    run(
        validate_models,
        lambda: ValidateConfig(
            test_rows=test_rows,
            threads=threads,
            latency_rows=latency_rows,
            latency_warmup=latency_warmup,
            max_size_mb=max_size_mb,
            max_latency_p95_ms=max_latency_p95_ms,
            min_accuracy=min_accuracy,
            max_student_drop=max_student_drop,
            max_export_drop=max_export_drop,
            min_agreement=min_agreement,
            beat_tfidf=beat_tfidf,
        ),
        {
            "tokens": tokens,
            "model": model,
            "onnx": onnx,
            "package": package,
            "teacher": teacher,
            "student": student,
            "pruned": pruned,
        },
        {"report": report, "figures": figures, "page": page, "markdown": markdown},
        metrics,
    )
    every = read_figures(Path(figures.path))
    matrix = every["models"][every["final"]]["confusion"]
    confusion.log_confusion_matrix(every["labels"], matrix)
    write_payload(confusion, {"labels": every["labels"], "matrix": matrix})
    return every["verdict"], "\n".join(every["failures"])


@dsl.component(base_image=image_for("validate"), install_kfp_package=False)
def gate(verdict: str, failures: str, figures: Input[Dataset], page: Input[HTML]) -> None:
    """Fail the run when the verdict is not a pass, and name each budget that is not met.

    Args:
        verdict: pass or fail, from validate.
        failures: One failed budget a line, from validate.
        figures: All figures, from validate; the step's log then tells where they are.
        page: The HTML report, from validate.
    """
    import sys

    from potstill.errors import VerdictError
    from potstill.validate.gate import require_pass

    try:
        require_pass(verdict, failures)
    except VerdictError as refused:
        sys.exit(f"potstill: error: {refused}\nfigures: {figures.path}\nreport: {page.path}")
