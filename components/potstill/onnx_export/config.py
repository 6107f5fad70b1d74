"""The options of onnx-export."""

from typing import Annotated

from pydantic import Field, field_validator

from potstill.options import Threads, choose, options

FP32, OPTIMIZED, INT8, INT8_QDQ = "fp32", "optimized", "int8", "int8_qdq"
INT8_ORT, INT8_QDQ_ORT, TORCHSCRIPT, SAFETENSORS = "int8_ort", "int8_qdq_ort", "torchscript", "safetensors"
FILES = {
    FP32: "model.onnx",
    OPTIMIZED: "model.optimized.onnx",
    INT8: "model.int8.onnx",
    INT8_QDQ: "model.int8.qdq.onnx",
    INT8_ORT: "model.int8.ort",
    INT8_QDQ_ORT: "model.int8.qdq.ort",
    TORCHSCRIPT: "model.ts.pt",
    SAFETENSORS: "safetensors/model.safetensors",
}
ONNX_FORMATS = (FP32, OPTIMIZED, INT8, INT8_QDQ)
ORT_SOURCES = {INT8_ORT: INT8, INT8_QDQ_ORT: INT8_QDQ}  # whose graph each of them holds
INT8_FORMATS = (INT8, INT8_QDQ, *ORT_SOURCES)
WITH_RANGES = (INT8_QDQ, INT8_QDQ_ORT)  # what needs scales of inputs

TEXT_CLASSIFICATION, FEATURE_EXTRACTION, RERANKING = "text-classification", "feature-extraction", "reranking"
TASKS = (TEXT_CLASSIFICATION, FEATURE_EXTRACTION, RERANKING)
ROUNDING_LEVELS = ("O3", "O4")  # GELU by its tanh formula, then float16 as well
LEVELS = ("O1", "O2", *ROUNDING_LEVELS)
ARM64, AVX512_VNNI, AVX2 = "arm64", "avx512_vnni", "avx2"
TARGETS = (ARM64, AVX512_VNNI, AVX2)


@options
class OnnxExportConfig:
    """ONNX files that plain onnxruntime runs, and how near to PyTorch they must be."""

    formats: str = ""
    """Files to write, separated by commas: fp32, optimized, int8, int8_qdq, int8_ort, int8_qdq_ort, torchscript,
    safetensors; empty: all that the checkpoint allows."""
    task: str = TEXT_CLASSIFICATION
    """What the files answer: text-classification, feature-extraction (a vector for each token) or reranking (how well
    two texts match; by a model with one label)."""
    opset: Annotated[int, Field(ge=13, le=21)] = 17
    """Version of the ONNX operator set, in [13, 21]."""
    optimization: str = "O2"
    """How far optimized goes: O1 folds constants, O2 fuses, O3 takes GELU by its tanh formula, too, O4 computes in
    float16 (for GPUs)."""
    target: str = ARM64
    """Processor that the int8 files are for: arm64, avx512_vnni, or avx2, which takes the same numbers as uint8."""
    batch: Annotated[int, Field(ge=0, le=65_536)] = 0
    """Rows that the files take, fixed; 0: any number."""
    length: Annotated[int, Field(ge=0)] = 0
    """Tokens per row that the files take, fixed; 0: any number."""
    external_data: bool = False
    """Whether each ONNX file keeps its weights beside it, in a file that ends in .data."""
    slim: bool = False
    """Whether fp32 goes through onnxslim: fewer nodes, but later fusions no longer find its attention."""
    parity_rows: Annotated[int, Field(ge=1)] = 256
    """Rows of the test split on which each file is compared with PyTorch; all of them when it has fewer."""
    tolerance_fp32: Annotated[float, Field(gt=0)] = 1e-4
    """Greatest difference of an output that a file may have that does not round."""
    minimum_agreement: Annotated[float, Field(ge=0, le=1)] = 0.97
    """Smallest agreement with PyTorch of a file that rounds (int8; optimized at O3 and O4), in [0, 1]."""
    threads: Threads = 1
    """CPU threads of the comparison."""

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: str) -> str:
        return ",".join(choose("formats", name.strip(), FILES) for name in value.split(",") if name.strip())

    @field_validator("task")
    @classmethod
    def _known_task(cls, value: str) -> str:
        return choose("task", value, TASKS)

    @field_validator("optimization")
    @classmethod
    def _known_level(cls, value: str) -> str:
        return choose("optimization", value, LEVELS)

    @field_validator("target")
    @classmethod
    def _known_target(cls, value: str) -> str:
        return choose("target", value, TARGETS)

    @field_validator("length")
    @classmethod
    def _room_for_a_text(cls, value: int) -> int:
        if value in (1, 2):
            raise ValueError(f"length must be 0 or at least 3, room for [CLS], a token and [SEP], got {value}")
        return value

    def rounds(self, name: str) -> bool:
        """Tell whether a format computes other than its source on purpose; name: a key of FILES."""
        return name in INT8_FORMATS or (name == OPTIMIZED and self.optimization in ROUNDING_LEVELS)
