"""Random models, for what weights do not change: sizes and times."""

import shutil
from pathlib import Path

from potstill.artifacts import is_sealed
from potstill.encoder.students import SHAPES
from potstill.onnx_export import OnnxExportConfig, export_onnx
from tests.bench.onnx_candidates import FP32, exported_files
from tests.bench.onnx_tokenizer import make_tokenizer
from tests.conftest import make_checkpoint, make_quantized, make_tokens

SMALL = "tinybert-4x312"  # the preset
SMALL_PIECES = 8_000  # of a pruned vocabulary; the titles of THUCNews leave 4,034 of 21,128
BASE_PIECES = 21_128  # of bert-base-chinese
BASE = {"layers": 12, "hidden": 768, "num_attention_heads": 12, "intermediate_size": 3072}
POSITIONS = 128  # as a preset has


def small_files(work: Path) -> dict[str, Path]:
    """Make the files of the 4×312 preset with a pruned vocabulary, by format."""
    shutil.rmtree(work, ignore_errors=True)
    shape = SHAPES[SMALL]
    sizes = {"num_attention_heads": shape.heads, "intermediate_size": shape.ffn, "max_position_embeddings": POSITIONS}
    tokenizer = make_tokenizer(work / "tokenizer", SMALL_PIECES)
    tokens = make_tokens(work / "tokens", tokenizer, rows=8).path
    model = make_checkpoint(work / "float", tokenizer, layers=shape.layers, hidden=shape.hidden, **sizes).path
    return exported(make_quantized(work / "scaled", model, tokens).path, tokens, work / "onnx", "")


def base_file(work: Path) -> Path:
    """Make the fp32 file of a 12-layer BERT with the vocabulary of bert-base-chinese, unless it stands there."""
    if is_sealed(work / "onnx"):
        return exported_files(work / "onnx")[FP32]
    shutil.rmtree(work, ignore_errors=True)
    tokenizer = make_tokenizer(work / "tokenizer", BASE_PIECES)
    tokens = make_tokens(work / "tokens", tokenizer, rows=8).path
    model = make_checkpoint(work / "float", tokenizer, **BASE, max_position_embeddings=512).path
    return exported(model, tokens, work / "onnx", FP32)[FP32]


def exported(model: Path, tokens: Path, out: Path, formats: str) -> dict[str, Path]:
    """Export a random model, of which parity says nothing."""
    config = OnnxExportConfig(formats=formats, minimum_agreement=0.0, tolerance_fp32=1.0)
    export_onnx(model, tokens, out, config)
    return exported_files(out)
