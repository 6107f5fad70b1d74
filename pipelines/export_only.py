"""An existing classifier to ONNX and Core ML, proved and judged: the exporters and validate, used again.

python -m pipelines.export_only --start runs/demo/pruned --data headlines.csv --set max_length=32
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()  # kfp takes seconds to load, and Ctrl-C may come before it has

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import HTML, ClassificationMetrics, Dataset, Markdown, Metrics, Model

from pipelines.delivery import deliver
from pipelines.intake import take_in


class Outputs(NamedTuple):
    """Everything that the run made, and what was measured on the way."""

    tokens: Dataset
    onnx: Model
    package: Model
    report: Dataset
    figures: Dataset
    judgement: Dataset
    page: HTML
    markdown: Markdown
    card: Markdown
    confusion: ClassificationMetrics
    tokenize_metrics: Metrics
    onnx_export_metrics: Metrics
    coreml_export_metrics: Metrics
    validate_metrics: Metrics


@dsl.pipeline(name="potstill-export-only")
def export_only(
    data_uri: str,
    start_uri: str,
    data_digest: str = "",
    text_column: str = "text",
    label_column: str = "label",
    columns: str = "",
    max_length: int = 128,
    test_share: float = 0.1,
    opset: int = 17,
    onnx_formats: str = "",
    onnx_target: str = "arm64",
    coreml_formats: str = "fp16,int8",
    coreml_target: str = "iOS16",
    coreml_length: str = "",
    budgets: str = "",
    robustness_rows: int = 500,
    seed: int = 0,
    threads: int = 2,
) -> Outputs:
    """Export a fine-tuned classifier to ONNX and Core ML, and judge what came of it.

    Args:
        data_uri: The table of labelled texts that judges, sealed as dataset/v1 or raw.
        start_uri: The fine-tuned classifier, sealed as checkpoint/v1.
        data_digest: Digest that the data must have; empty for any.
        text_column: Column of the texts.
        label_column: Column of the labels, named as in the classifier's config.
        columns: Names of the columns, comma-separated, of a table without a header.
        max_length: Tokens kept of each text; the length of the Core ML model.
        test_share: Share of the rows that judge.
        opset: ONNX operator set.
        onnx_formats: Files that onnx-export writes, comma-separated; empty is all.
        onnx_target: Processor of the ONNX int8 files: arm64, avx512_vnni or avx2.
        coreml_formats: Packages that coreml-export writes, comma-separated.
        coreml_target: Oldest system that the Core ML packages run on.
        coreml_length: Tokens of a text in the packages, as 32, or 16,32 or 3-32; empty is what the tokens were cut to.
        budgets: Budgets as YAML, such as 'max_size_mb: 7.5'; those not named stand at their defaults, null is none.
        robustness_rows: Test rows that are also asked with typing errors and the like, in each way; 0 is none.
        seed: Seed of the split.
        threads: CPU threads.
    """
    _, start, tokenized = take_in(
        data_uri,
        start_uri,
        text_column=text_column,
        label_column=label_column,
        columns=columns,
        max_length=max_length,
        labels_of_start=True,
        test_share=test_share,
        seed=seed,
        data_digest=data_digest,
    )
    tokens = tokenized.outputs["tokens"]
    delivered = deliver(
        tokens,
        start,
        {"formats": onnx_formats, "opset": opset, "target": onnx_target},
        {"formats": coreml_formats, "target": coreml_target, "length": coreml_length},
        threads=threads,
        budgets=budgets,
        robustness_rows=robustness_rows,
    )
    return Outputs(
        tokens=tokens,
        tokenize_metrics=tokenized.outputs["metrics"],
        **delivered.outputs,
    )


if __name__ == "__main__":
    from pipelines.command import main

    raise SystemExit(main(export_only))
