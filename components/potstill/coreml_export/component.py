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
    length: str = "",
    layout: str = "standard",
    block_size: int = 32,
    group_size: int = 0,
    sparsity: float = 0.5,
    calibration_rows: int = 256,
    compute_units: str = "all",
    author: str = "potstill",
    version: str = "1.0",
    parity_rows: int = 64,
    tolerance: float = 0.05,
    minimum_agreement: float = 0.98,
    threads: int = 1,
) -> None:
    """Export a classifier to Core ML packages that are executed without a Mac and proved to compute the same.

    Args:
        model: checkpoint/v1 of a classifier of the BERT family, pruned or not, with or without int8 scales.
        tokens: tokens/v1; rows of its test split are compared, and rows of its train split calibrate w8a8.
        formats: Packages to write, separated by commas: fp32, fp16, int8, int4, palette8, palette6, palette4, palette2,
            sparse, sparse_int8, sparse_palette8 (6, 4, 2), palette8_int8 (6, 4, 2), w8a8.
        target: The oldest system that runs them: iOS15, iOS16, iOS17 or iOS18.
        length: Tokens of a text: 32 (fixed), 16,32,64 (any of these; iOS18), 3-64 (any between); empty: fixed at what
            the tokens were cut to.
        layout: standard, or channels_first as Apple's own models for the Neural Engine.
        block_size: Weights of a row that share a scale in int4, at most.
        group_size: Rows that share a palette, at most (iOS18); 0: all rows.
        sparsity: Share of each weight's entries that sparse formats make 0.
        calibration_rows: Rows of the train split on which w8a8 learns the ranges of activations.
        compute_units: What the app should let compute: all, cpuOnly, cpuAndGPU or cpuAndNeuralEngine.
        author: Who answers for the model, as Xcode shows it.
        version: Version of the model, as Xcode shows it.
        parity_rows: Rows of the test split on which each package is executed and compared.
        tolerance: Greatest difference of a logit between a package and PyTorch with weights rounded likewise.
        minimum_agreement: Smallest share of rows to which a package gives PyTorch's label.
        threads: CPU threads of the comparison.

    Returns:
        package: coreml/v1: model.<format>.mlpackage for each format, exports.md (a table of them), and the tokenizer.
        metrics: By format, distance from PyTorch, agreement and bytes; how many weights are compressed.
    """
    from potstill.coreml_export import CoremlExportConfig, export_coreml
    from potstill.kfp_io import run

    run(
        export_coreml,
        lambda: CoremlExportConfig(
            formats=formats,
            target=target,
            length=length,
            layout=layout,
            block_size=block_size,
            group_size=group_size,
            sparsity=sparsity,
            calibration_rows=calibration_rows,
            compute_units=compute_units,
            author=author,
            version=version,
            parity_rows=parity_rows,
            tolerance=tolerance,
            minimum_agreement=minimum_agreement,
            threads=threads,
        ),
        {"model": model, "tokens": tokens},
        {"package": package},
        metrics,
    )
