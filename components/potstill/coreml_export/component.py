"""The KFP interface of coreml-export."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("coreml-export"), install_kfp_package=False)
def coreml_export(
    model: Input[Model],
    tokens: Input[Dataset],
    package: Output[Model],
    metrics: Output[Metrics],
    formats: str = "fp16,int8",
    target: str = "iOS16",
    max_length: int = 0,
    author: str = "potstill",
    version: str = "1.0",
    parity_rows: int = 64,
    tolerance_fp16: float = 0.05,
    tolerance_int8: float = 0.05,
    minimum_agreement: float = 0.98,
    threads: int = 1,
) -> None:
    """Export a classifier to Core ML packages that are executed without a Mac and proved to compute the same.

    Args:
        model: checkpoint/v1 of a BERT, pruned BERT or MobileBERT classifier, with or without int8 scales.
        tokens: tokens/v1; rows of its test split are compared.
        formats: Packages to write: fp16, int8, separated by commas.
        target: The oldest system that runs them: iOS15, iOS16, iOS17 or iOS18.
        max_length: Fixed length of a text in tokens; 0: what the tokens were cut to.
        author: Who answers for the model, as Xcode shows it.
        version: Version of the model, as Xcode shows it.
        parity_rows: Rows of the test split on which each package is executed and compared.
        tolerance_fp16: Greatest difference of a logit between the fp16 package and the checkpoint.
        tolerance_int8: The same for int8, against the checkpoint with its weights rounded to int8.
        minimum_agreement: Smallest share of rows to which a package gives PyTorch's label.
        threads: CPU threads of the comparison.

    Returns:
        package: coreml/v1: model.fp16.mlpackage, model.int8.mlpackage and the tokenizer.
        metrics: By format, distance from PyTorch, agreement and bytes; how many weights are int8.
    """
    from potstill.coreml_export import CoremlExportConfig, export_coreml
    from potstill.kfp_io import run

    run(
        export_coreml,
        lambda: CoremlExportConfig(
            formats=formats,
            target=target,
            max_length=max_length,
            author=author,
            version=version,
            parity_rows=parity_rows,
            tolerance_fp16=tolerance_fp16,
            tolerance_int8=tolerance_int8,
            minimum_agreement=minimum_agreement,
            threads=threads,
        ),
        {"model": model, "tokens": tokens},
        {"package": package},
        metrics,
    )
