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
    task: str = "text-classification",
    opset: int = 17,
    optimization: str = "O2",
    target: str = "arm64",
    batch: int = 0,
    length: int = 0,
    external_data: bool = False,
    slim: bool = False,
    parity_rows: int = 256,
    tolerance_fp32: float = 1e-4,
    minimum_agreement: float = 0.97,
    threads: int = 1,
) -> None:
    """Export a classifier to files that plain onnxruntime runs and that are proved to compute the same.

    Args:
        model: checkpoint/v1 of a classifier of the BERT family, with or without int8 scales.
        tokens: tokens/v1; rows of its test split are compared with PyTorch.
        formats: Files to write, of fp32, optimized, int8, int8_qdq, int8_ort, int8_qdq_ort, torchscript and
            safetensors, separated by commas; empty for all.
        task: text-classification, feature-extraction, or reranking by a model with one label.
        opset: Version of the ONNX operator set, in [13, 21].
        optimization: How far optimized goes: O1 folds constants, O2 fuses, O3 takes GELU by its tanh formula, O4
            computes in float16, for GPUs.
        target: Processor that the int8 files are for: arm64, avx512_vnni or avx2.
        batch: Rows that the files take, fixed; 0 for any number.
        length: Tokens per row that the files take, fixed; 0 for any number.
        external_data: Whether each ONNX file keeps its weights beside it.
        slim: Whether fp32 goes through onnxslim.
        parity_rows: Rows of the test split on which each file is compared with PyTorch.
        tolerance_fp32: Greatest difference of an output that a file may have that does not round.
        minimum_agreement: Smallest agreement with PyTorch of a file that rounds, in [0, 1].
        threads: CPU threads of the comparison.

    Returns:
        onnx: onnx/v1 with one file per format, config.json, the tokenizer and exports.md, the table of all.
        metrics: By format, greatest difference of an output, agreement and bytes; linears that run as int8; seconds.
    """
    from potstill.kfp_io import run
    from potstill.onnx_export import OnnxExportConfig, export_onnx

    run(
        export_onnx,
        lambda: OnnxExportConfig(
            formats=formats,
            task=task,
            opset=opset,
            optimization=optimization,
            target=target,
            batch=batch,
            length=length,
            external_data=external_data,
            slim=slim,
            parity_rows=parity_rows,
            tolerance_fp32=tolerance_fp32,
            minimum_agreement=minimum_agreement,
            threads=threads,
        ),
        {"model": model, "tokens": tokens},
        {"onnx": onnx},
        metrics,
    )
