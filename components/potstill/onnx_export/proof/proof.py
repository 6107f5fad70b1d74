"""Running every written file beside PyTorch, and refusing what is not the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from potstill.artifacts import Artifact
from potstill.encoder.multi_label import is_multi_label
from potstill.encoder.quantization import has_input_scales, is_quantized
from potstill.encoder.quantized_linears import load_quantized
from potstill.measure.parity import (
    Parity,
    compare,
    compare_scores,
    compare_vectors,
    refuse,
    require_agreement,
    require_close,
)
from potstill.onnx_export.config import (
    FEATURE_EXTRACTION,
    FILES,
    INT8,
    INT8_FORMATS,
    INT8_ORT,
    INT8_QDQ,
    INT8_QDQ_ORT,
    ONNX_FORMATS,
    ORT_SOURCES,
    RERANKING,
    OnnxExportConfig,
)
from potstill.onnx_export.int8.int8_kernels import run_int8, running_nodes
from potstill.onnx_export.proof.answers import Answer, answers_of_file, answers_of_model
from potstill.onnx_export.proof.rows import ProofRows
from potstill.onnx_export.tasks import load_float


@dataclass(frozen=True)
class Int8Linears:
    """Which linears of a file run in int8.

    Attributes:
        asked: how often the file asks it, by linear.
        run: by which operators onnxruntime does it, by linear.
    """

    asked: Mapping[str, int]
    run: Mapping[str, Sequence[str]]

    @property
    def missing(self) -> list[str]:
        """Linears that the file asks to compute in int8 and onnxruntime computes in float."""
        return [name for name, count in self.asked.items() if len(self.run.get(name, ())) < count]


@dataclass(frozen=True)
class Proof:
    """What was found of each format.

    Attributes:
        parity: distance from PyTorch, by format.
        int8: by int8 format.
        running: number of nodes that plain onnxruntime runs of the file, by ONNX and ORT format.
    """

    parity: Mapping[str, Parity]
    int8: Mapping[str, Int8Linears]
    running: Mapping[str, int]

    def require(self, config: OnnxExportConfig) -> None:
        """Refuse what is not the same.

        Raises:
            ParityError: naming every format with its figure and its worst rows, and linears that are not int8.
        """
        exact = {name: each for name, each in self.parity.items() if not config.rounds(name)}
        rounded = {name: each for name, each in self.parity.items() if config.rounds(name)}
        offences = [
            f"{name}: onnxruntime runs {len(each.asked) - len(each.missing)} of {len(each.asked)} linears as int8, "
            f"not {', '.join(each.missing[:3])}"
            for name, each in self.int8.items()
            if each.missing
        ]
        offences += require_close(exact, config.tolerance_fp32) + require_agreement(rounded, config.minimum_agreement)
        refuse(offences, self._way_out(config))

    def _way_out(self, config: OnnxExportConfig) -> str:
        agrees = {name: each.agreement >= config.minimum_agreement for name, each in self.parity.items()}
        ranges = (
            "int8 takes inputs as they come and is compared with the float weights; int8_qdq, with the ranges that the "
            "checkpoint has, agrees. "
        )
        only = ranges if agrees.get(INT8_QDQ) and not agrees.get(INT8, True) else ""
        return f"{only}Leave the format out by --formats, or loosen --tolerance-fp32 or --minimum-agreement"


def prove(
    source: Artifact,
    rows: ProofRows,
    folder: Path,
    formats: Sequence[str],
    asked: Mapping[str, Mapping[str, int]],
    config: OnnxExportConfig,
) -> Proof:
    """Run each file on real rows and compare its answers with PyTorch's.

    Args:
        source: `checkpoint/v1` that the files were made from.
        rows: what is asked.
        folder: where the files are.
        formats: keys of config.FILES.
        asked: by format of a graph how often each linear is to be computed in int8.
        config: the options.
    """
    wanted, parity = _references(source, rows, formats, config.task), {}
    for name in formats:
        parity[name] = _compare(answers_of_file(name, folder, rows, config), wanted[name], rows, source, config.task)
    running = {name: running_nodes(folder / FILES[name]) for name in formats if name in (*ONNX_FORMATS, *ORT_SOURCES)}
    return Proof(
        parity=parity,
        int8={
            name: Int8Linears(asked[ORT_SOURCES.get(name, name)], run_int8(nodes))
            for name, nodes in running.items()
            if name in INT8_FORMATS
        },
        running={name: len(nodes) for name, nodes in running.items()},
    )


def simulated(checkpoint: Path) -> set[str]:
    """The formats that compute what the checkpoint's own scales say, so that PyTorch can simulate them.

    INT8_QDQ always does. INT8 does where the checkpoint has scales of weights only: its inputs are then quantised as
    they come in both. To a checkpoint whose inputs have scales, or to a float one, INT8 is another way to compute its
    float weights; it is compared with those, and what it costs is part of the figure.
    """
    weights_only = is_quantized(checkpoint) and not has_input_scales(checkpoint)
    return {INT8_QDQ, INT8_QDQ_ORT} | ({INT8, INT8_ORT} if weights_only else set())


def _references(source: Artifact, rows: ProofRows, formats: Sequence[str], task: str) -> dict[str, list[Answer]]:
    """PyTorch's answers: of the scaled model for the formats that it simulates, of the float one for all others."""
    found, scaled = {}, simulated(source.path).intersection(formats)
    if set(formats) - scaled:
        answers = answers_of_model(load_float(source.path), rows, task, "PyTorch")
        found = dict.fromkeys(formats, answers)
    if scaled:
        answers = answers_of_model(load_quantized(source.path), rows, task, "PyTorch int8")
        found |= dict.fromkeys(scaled, answers)
    return found


def _compare(found: list[Answer], wanted: list[Answer], rows: ProofRows, source: Artifact, task: str) -> Parity:
    if task == FEATURE_EXTRACTION:
        return compare_vectors(found, wanted, rows.ids)
    if task == RERANKING:
        return compare_scores(np.stack(found), np.stack(wanted), rows.ids)
    return compare(np.stack(found), np.stack(wanted), rows.ids, multi_label=is_multi_label(source))
