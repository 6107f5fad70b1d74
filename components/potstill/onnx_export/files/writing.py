"""Writing every file of the folder."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from potstill.encoder.tokenizer import copy_tokenizer
from potstill.onnx_export.config import FILES, ORT_SOURCES, SAFETENSORS, TORCHSCRIPT, OnnxExportConfig
from potstill.onnx_export.files.hub_folder import copy_source, write_config
from potstill.onnx_export.files.mobile_usability import mobile_usability
from potstill.onnx_export.files.onnx_file import write_onnx
from potstill.onnx_export.files.ort_file import write_ort, write_required_operators
from potstill.onnx_export.files.torchscript_file import write_torchscript
from potstill.onnx_export.graphs.formats import Built
from potstill.onnx_export.graphs.trace import input_names
from potstill.onnx_export.tasks import TASK, load_float, part_for

REQUIRED_OPERATORS = "required_operators.config"


def write_files(
    asked: Sequence[str],
    checkpoint: Path,
    folder: Path,
    built: Built,
    config: OnnxExportConfig,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write each format that was asked for, and what opens the folder.

    Args:
        asked: keys of config.FILES.
        checkpoint: the model's folder.
        folder: where they go.
        built: the graphs; changed in place.
        config: the options.
        facts: what an app must know; kept in each file that can hold it.

    Returns: by ORT format, which of a phone's accelerators would run it.
    """
    mobile = _write_ort([name for name in asked if name in ORT_SOURCES], folder, built, facts)
    for name in [name for name in asked if name in built.graphs]:
        write_onnx(built.graphs[name], folder / FILES[name], facts, external=config.external_data)
    if TORCHSCRIPT in asked:
        part, task = part_for(config.task, load_float(checkpoint)), TASK[config.task]
        names = input_names(part, config.task)
        write_torchscript(part, names, task.output, folder / FILES[TORCHSCRIPT], facts)
    if SAFETENSORS in asked:
        copy_source(checkpoint, (folder / FILES[SAFETENSORS]).parent)
    write_config(checkpoint, folder)
    copy_tokenizer(checkpoint, folder)
    return mobile


def _write_ort(asked: Sequence[str], folder: Path, built: Built, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write ORT files, and the operators that a build of onnxruntime for them alone must have."""
    mobile: dict[str, Any] = {}
    for name in asked:
        with tempfile.TemporaryDirectory() as work:
            whole = Path(work) / FILES[ORT_SOURCES[name]]  # with its weights inside, whatever the ONNX file gets
            write_onnx(built.graphs[ORT_SOURCES[name]], whole, facts)
            write_ort(whole, folder / FILES[name])
            mobile[name] = mobile_usability(whole).as_record()
    if asked:
        write_required_operators([folder / FILES[name] for name in asked], folder / REQUIRED_OPERATORS)
    return mobile
