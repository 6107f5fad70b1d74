"""The stage: a checkpoint in, ONNX files out, each run by plain onnxruntime and compared with PyTorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from potstill.artifacts import CHECKPOINT, ONNX, TOKENS, Artifact, expect, seal
from potstill.data.tokens import MULTI_LABEL
from potstill.encoder.multi_label import is_multi_label
from potstill.encoder.quantization import has_input_scales, is_quantized
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.errors import OptionError
from potstill.measure.measures import Measures
from potstill.measure.parity import Parity
from potstill.measure.torch_session import torch_threads
from potstill.onnx_export.formats import FILES, INT8_QDQ, Built, build
from potstill.onnx_export.onnx_file import write_onnx
from potstill.onnx_export.proof import Proof, prove, simulated
from potstill.options import Threads, choose, options
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.training.agreement import own_tokens


@options
class OnnxExportConfig:
    """ONNX files that plain onnxruntime runs, and how near to PyTorch they must be."""

    formats: str = ""
    """Files to write: fp32, optimized, int8, int8_qdq, separated by commas; empty: all that the checkpoint allows."""
    opset: Annotated[int, Field(ge=14, le=18)] = 17
    """Version of the ONNX operator set, in [14, 18]."""
    parity_rows: Annotated[int, Field(ge=1)] = 256
    """Rows of the test split on which each file is compared with PyTorch; all of them when it has fewer."""
    tolerance_fp32: Annotated[float, Field(gt=0)] = 1e-4
    """Greatest difference of a logit that fp32 and optimized may have."""
    minimum_agreement_int8: Annotated[float, Field(ge=0, le=1)] = 0.97
    """Smallest share of rows to which int8 and int8_qdq give PyTorch's label, in [0, 1]."""
    threads: Threads = 1
    """CPU threads of the comparison."""

    @field_validator("formats")
    @classmethod
    def _known(cls, value: str) -> str:
        return ",".join(choose("formats", name.strip(), FILES) for name in value.split(",") if name.strip())


def export_onnx(model: Path, tokens: Path, onnx: Path, config: OnnxExportConfig) -> Measures:
    """Export a classifier to ONNX files that plain onnxruntime runs and that are proved to compute the same.

    Writes `model.onnx` (fp32), `model.optimized.onnx` (fused), `model.int8.onnx` (int8 weights, activations quantised
    at run time) and, from a checkpoint with scales of inputs, `model.int8.qdq.onnx` (its scales, unchanged). Linears
    that a checkpoint with scales keeps float stay float in both int8 files.

    Args:
        model: `checkpoint/v1` of a classifier of the BERT family, with or without int8 scales.
        tokens: `tokens/v1`; rows of its test split are compared.
        onnx: where `onnx/v1` is written.
        config: the options.

    Returns: by format, `…_max_abs_logit`, `…_agreement` in [0, 1] and `…_bytes`; `fused_operators`; by int8 format,
        `…_linears`, how many of them onnxruntime computes in int8.

    Raises:
        ArtifactError: an input is not sealed, of another kind, or the tokens have no test split.
        InputError: the tokens are of another tokenizer than the model.
        OptionError: int8_qdq is asked of a checkpoint without scales of inputs.
        ParityError: a file is further from PyTorch than allowed, or not all of its int8 linears run as int8.

    Source: ONNX operator sets 14 to 18; arXiv:1712.05877 (int8).
    """
    source, table = expect(model, CHECKPOINT), expect(tokens, TOKENS)
    own_tokens(source, table)
    wanted = formats_for(config, source)
    facts = {
        "labels": source.meaning["labels"],
        "max_length": source.meaning["max_length"],
        "checkpoint": source.digest,
        **_kind(source),
    }
    with creating(onnx, ONNX, model, tokens), torch_threads(config.threads):
        built = build(wanted, model, config.opset)
        for name, graph in built.graphs.items():
            write_onnx(graph, onnx / FILES[name], facts)
        several = is_multi_label(source)
        proof = prove(model, tokens, onnx, wanted, config.parity_rows, config.threads, multi_label=several)
        proof.require(config.tolerance_fp32, config.minimum_agreement_int8)
        copy_tokenizer(model, onnx)
        meaning = _meaning(source, config, built, proof)
        seal(onnx, ONNX, maker("onnx-export", config), {"model": source, "tokens": table}, meaning)
    return _measures(onnx, built, proof)


def formats_for(config: OnnxExportConfig, source: Artifact) -> tuple[str, ...]:
    """Return the formats to write, in the order of FILES.

    Raises:
        OptionError: int8_qdq is asked of a checkpoint without scales of inputs.
    """
    scaled = has_input_scales(source.path)
    asked = config.formats.split(",") if config.formats else [name for name in FILES if scaled or name != INT8_QDQ]
    if INT8_QDQ in asked and not scaled:
        raise OptionError(f"formats names {INT8_QDQ}, but {source.path} {_lack(source.path)}")
    return tuple(name for name in FILES if name in asked)


def _lack(checkpoint: Path) -> str:
    """Why a checkpoint gives no file with standing ranges, and the way out."""
    if is_quantized(checkpoint):
        return (
            "has scales of weights only: its inputs are quantised as they come, which is the format int8; "
            "ask for that one, or run qat --method static or qat"
        )
    return "has no int8 scales; run qat first, or leave it out"


def _meaning(source: Artifact, config: OnnxExportConfig, built: Built, proof: Proof) -> dict[str, object]:
    return {
        "labels": source.meaning["labels"],
        "max_length": source.meaning["max_length"],
        "opset": config.opset,
        "formats": {name: FILES[name] for name in built.graphs},
        "parity": {name: _plain(each) for name, each in proof.parity.items()},
        "fused_operators": built.fused,
        "int8_linears": proof.int8_linears,
        "simulated": sorted(simulated(source.path) & built.graphs.keys()),
        **_kind(source),
    }


def _kind(source: Artifact) -> dict[str, bool]:
    """What an app must know to read the logits: a sigmoid of each, where labels do not exclude each other."""
    return {MULTI_LABEL: True} if is_multi_label(source) else {}


def _plain(parity: Parity) -> dict[str, float]:
    return {"max_abs_logit": parity.max_abs_logit, "agreement": parity.agreement, "rows": parity.rows}


def _measures(folder: Path, built: Built, proof: Proof) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for name, each in proof.parity.items():
        found[f"{name}_max_abs_logit"] = each.max_abs_logit
        found[f"{name}_agreement"] = each.agreement
        found[f"{name}_bytes"] = float((folder / FILES[name]).stat().st_size)
    found |= {f"{name}_linears": float(count) for name, count in proof.int8_linears.items()}
    return found | ({"fused_operators": float(sum(built.fused.values()))} if built.fused else {})
