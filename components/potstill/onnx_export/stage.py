"""The stage: a checkpoint in; ONNX, ORT and TorchScript files out, each run and compared with PyTorch."""

from pathlib import Path
from typing import Any

from potstill.artifacts import CHECKPOINT, ONNX, TOKENS, Artifact, expect, seal
from potstill.data.tokens import MULTI_LABEL
from potstill.encoder.checkpoint import read_config
from potstill.encoder.multi_label import is_multi_label
from potstill.encoder.positions import longest_input
from potstill.encoder.quantization import has_input_scales, is_quantized
from potstill.errors import OptionError
from potstill.measure.measures import Measures
from potstill.measure.torch_session import torch_threads
from potstill.onnx_export.config import FEATURE_EXTRACTION, FILES, WITH_RANGES, OnnxExportConfig
from potstill.onnx_export.export import Export
from potstill.onnx_export.files.writing import write_files
from potstill.onnx_export.graphs.formats import build
from potstill.onnx_export.graphs.shapes import refuse_too_long
from potstill.onnx_export.int8.int8_kernels import asked_int8
from potstill.onnx_export.proof.proof import prove
from potstill.onnx_export.proof.rows import proof_rows
from potstill.onnx_export.table import write_table
from potstill.onnx_export.tasks import refuse_unfit
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.training.agreement import own_tokens


def export_onnx(model: Path, tokens: Path, onnx: Path, config: OnnxExportConfig) -> Measures:
    """Export a classifier to files that plain onnxruntime runs and that are proved to compute the same.

    Writes `model.onnx` (fp32), `model.optimized.onnx` (fused), `model.int8.onnx` (int8 weights, inputs quantised as
    they come) and, from a checkpoint with scales of inputs, `model.int8.qdq.onnx` (its scales, unchanged); both int8
    graphs as `.ort`, too; `model.ts.pt` (TorchScript) and the checkpoint's own `model.safetensors`. Linears that a
    checkpoint with scales keeps float stay float in all int8 files. `exports.md` tells what became of the nodes, how
    near each file is to PyTorch and what runs in int8.

    Args:
        model: `checkpoint/v1` of a classifier of the BERT family, with or without int8 scales.
        tokens: `tokens/v1`; rows of its test split are compared.
        onnx: where `onnx/v1` is written.
        config: the options.

    Returns: by format, `…_max_abs_logit`, `…_agreement` in [0, 1] and `…_bytes`; `fused_operators`; by int8 ONNX
        format `…_linears`, how many of them onnxruntime computes in int8.

    Raises:
        ArtifactError: an input is not sealed, of another kind, or the tokens have no test split.
        InputError: the tokens are of another tokenizer than the model.
        OptionError: a format, task or length that the checkpoint does not allow.
        ParityError: a file is further from PyTorch than allowed, or not all of its int8 linears run as int8.

    Source: ONNX operator sets 13 to 21; arXiv:1712.05877 (int8).
    """
    source, table = expect(model, CHECKPOINT), expect(tokens, TOKENS)
    own_tokens(source, table)
    refuse_unfit(config.task, source)
    cut_to = table.meaning["max_length"]
    positions = longest_input(read_config(model).to_dict()) or max(cut_to, config.length)
    refuse_too_long(config.length, positions)
    wanted = formats_for(config, source)
    facts = _facts(source, config, min(source.meaning.get("max_length", cut_to), positions))
    with creating(onnx, ONNX, model, tokens), torch_threads(config.threads):
        built = build(wanted, model, config)
        mobile = write_files(wanted, model, onnx, built, config, facts)
        rows = proof_rows(tokens, config.task, config.parity_rows, facts["max_length"])
        asked = {name: asked_int8(graph) for name, graph in built.graphs.items()}
        proof = prove(source, rows, onnx, wanted, asked, config)
        proof.require(config)
        export = Export(wanted, facts, built, mobile, proof)
        meaning = export.meaning(source, config)
        write_table(onnx, meaning)
        seal(onnx, ONNX, maker("onnx-export", config), {"model": source, "tokens": table}, meaning)
    return export.measures(onnx)


def formats_for(config: OnnxExportConfig, source: Artifact) -> tuple[str, ...]:
    """Return the formats to write, in the order of FILES.

    Raises:
        OptionError: one that needs ranges of inputs is asked of a checkpoint without.
    """
    scaled = has_input_scales(source.path)
    possible = [name for name in FILES if scaled or name not in WITH_RANGES]
    asked = config.formats.split(",") if config.formats else possible
    without = [name for name in asked if name in WITH_RANGES and not scaled]
    if without:
        raise OptionError(f"formats names {', '.join(without)}, but {source.path} {_lack(source.path)}")
    return tuple(name for name in FILES if name in asked)


def _lack(checkpoint: Path) -> str:
    """Why a checkpoint gives no file with standing ranges, and the way out."""
    if is_quantized(checkpoint):
        return (
            "has scales of weights only: its inputs are quantised as they come, which is the format int8; "
            "ask for that one, or run qat --method static or qat"
        )
    return "has no int8 scales; run qat first, or leave it out"


def _facts(source: Artifact, config: OnnxExportConfig, longest: int) -> dict[str, Any]:
    """What an app must know, in every file that can hold it; longest: tokens that texts were, or may be, cut to."""
    labels = {} if config.task == FEATURE_EXTRACTION else {"labels": source.meaning["labels"]}
    return {
        **labels,
        "task": config.task,
        "max_length": min(longest, config.length or longest),
        "checkpoint": source.digest,
        # A sigmoid of each logit, where labels do not exclude each other.
        **({MULTI_LABEL: True} if is_multi_label(source) else {}),
    }
