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
    judgement: Output[Dataset],
    page: Output[HTML],
    markdown: Output[Markdown],
    card: Output[Markdown],
    metrics: Output[Metrics],
    confusion: Output[ClassificationMetrics],
    onnx: Input[Model] = None,
    package: Input[Model] = None,
    teacher: Input[Model] = None,
    student: Input[Model] = None,
    pruned: Input[Model] = None,
    devices: Input[Dataset] = None,
    budgets: str = "",
    test_rows: int = 0,
    robustness_rows: int = 500,
    threads: int = 2,
    latency_rows: int = 100,
    latency_warmup: int = 10,
    latency_lengths: str = "",
    footprint: bool = True,
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
        devices: Measurements from phones, a JSON file or a folder of them, judged by the same budgets.
        budgets: Budgets as YAML, such as 'max_size_mb: 7.5'; those not named stand at their defaults, null is none.
        test_rows: Test rows to evaluate on, for a quick look; 0 is all.
        robustness_rows: Test rows that are also asked with typing errors and the like, in each way; 0 is none.
        threads: Rows computed side by side, each on one CPU thread; changes no figure.
        latency_rows: Test rows to time, one at a time.
        latency_warmup: Uncounted calls before the timed ones.
        latency_lengths: Tokens of rows timed besides, comma-separated; empty is 16, 32, 64, 128 and the longest.
        footprint: Whether each PyTorch and ONNX model is opened in a process of its own, for memory and cold start.

    Returns:
        report: The sealed report/v1 with every reproducible figure and every prediction.
        figures: One JSON file with all figures: the report's, time, memory, budgets, verdict.
        judgement: The verdict alone, JSON with a schema.
        page: The HTML report.
        markdown: The Markdown report.
        card: The model card, as model hubs read it.
        metrics: Accuracy, F1, agreement, losses, megabytes and milliseconds of each model, failed budgets, seconds.
        confusion: The confusion matrix of the model that ships.
        verdict: pass, fail or inconclusive.
        failures: One budget a line that is failed or not decided; empty when all are met.
    """
    from pathlib import Path

    from potstill.kfp_io import run, write_payload
    from potstill.validate import ValidateConfig, validate_models
    from potstill.validate.figures import read_figures

    run(
        validate_models,
        lambda: ValidateConfig(
            budgets=budgets,
            test_rows=test_rows,
            robustness_rows=robustness_rows,
            threads=threads,
            latency_rows=latency_rows,
            latency_warmup=latency_warmup,
            latency_lengths=latency_lengths,
            footprint=footprint,
        ),
        {
            "tokens": tokens,
            "model": model,
            "onnx": onnx,
            "package": package,
            "teacher": teacher,
            "student": student,
            "pruned": pruned,
            "devices": devices,
        },
        {
            "report": report,
            "figures": figures,
            "judgement": judgement,
            "page": page,
            "markdown": markdown,
            "card": card,
        },
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
        verdict: pass, fail or inconclusive, from validate.
        failures: One budget a line that is failed or not decided, from validate.
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
