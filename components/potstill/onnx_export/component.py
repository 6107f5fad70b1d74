"""The KFP interface of onnx-export."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("onnx-export"), install_kfp_package=False)
def onnx_export(
    model: Input[Model],
    tokens: Input[Dataset],
    onnx: Output[Model],
    metrics: Output[Metrics],
    formats: str = "",
    opset: int = 17,
    parity_rows: int = 256,
    tolerance_fp32: float = 1e-4,
    minimum_agreement_int8: float = 0.97,
    threads: int = 1,
) -> None:
    """Export a classifier to ONNX files that plain onnxruntime runs and that are proved to compute the same.

    Args:
        model: checkpoint/v1 of a classifier of the BERT family, with or without int8 scales.
        tokens: tokens/v1; rows of its test split are compared with PyTorch.
        formats: Files to write, of fp32, optimized, int8 and int8_qdq, separated by commas; empty for all.
        opset: Version of the ONNX operator set, in [14, 18].
        parity_rows: Rows of the test split on which each file is compared with PyTorch.
        tolerance_fp32: Greatest difference of a logit that fp32 and optimized may have.
        minimum_agreement_int8: Smallest share of rows to which an int8 file gives PyTorch's label, in [0, 1].
        threads: CPU threads of the comparison.

    Returns:
        onnx: onnx/v1 with one file per format and the tokenizer.
        metrics: By format, greatest difference of a logit, agreement and bytes; linears that run as int8; seconds.
    """
    from potstill.kfp_io import run
    from potstill.onnx_export import OnnxExportConfig, export_onnx

    run(
        export_onnx,
        lambda: OnnxExportConfig(
            formats=formats,
            opset=opset,
            parity_rows=parity_rows,
            tolerance_fp32=tolerance_fp32,
            minimum_agreement_int8=minimum_agreement_int8,
            threads=threads,
        ),
        {"model": model, "tokens": tokens},
        {"onnx": onnx},
        metrics,
    )
