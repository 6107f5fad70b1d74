"""TorchScript: one file that PyTorch's C++ library runs without Python, and without the classes of transformers."""

import inspect
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel

from potstill.encoder.positions import longest_input
from potstill.errors import InputError
from potstill.onnx_export.graphs.noise import without_noise
from potstill.onnx_export.graphs.silent_faults import refuse_moving

FACTS = "facts.json"
INPUTS, OUTPUT = "inputs", "output"
EXAMPLE_ROWS, EXAMPLE_TOKENS = 2, 16
Run = Callable[[Mapping[str, npt.NDArray[np.int64]]], npt.NDArray[np.float32]]


def write_torchscript(
    model: PreTrainedModel, names: Sequence[str], output: str, path: Path, facts: Mapping[str, Any]
) -> None:
    """Write a model as one flat function of any batch and length; its weights are constants, as `torch.jit.freeze`'s.

    Its inputs are int64 (batch, tokens), by name or in the order of `names`; it returns one float32 tensor. The bytes
    depend on the model and the facts alone: source lines, which torch keeps for its error messages, are left out.

    Args:
        model: put into evaluation mode, so that dropout is off.
        names: out of `input_ids`, `attention_mask` and `token_type_ids`, in the order in which an app gives them.
        output: which of the model's outputs: `logits` (batch, labels) or `last_hidden_state` (batch, tokens, hidden).
        path: the file.
        facts: small JSON values, kept in the file: label names, maximum length, source.

    Raises:
        ValueError: the model has linears whose ranges still move.

    Source: https://docs.pytorch.org/docs/stable/jit.html (tracing).
    """
    refuse_moving(model)
    told = {**facts, INPUTS: list(names), OUTPUT: output}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    saved = io.BytesIO()
    with _quietly(), torch.no_grad(), _constant(model.eval()):
        torch.jit.save(_traced(model, names, output), saved, _extra_files={FACTS: text.encode()})
    path.write_bytes(_without_source_lines(saved))


def open_torchscript(path: Path) -> Run:
    """Open such a file, to run it on NumPy arrays by input name.

    TorchScript has an unpickler of its own, which makes tensors and plain values; yet the file is a program. Open only
    one that you wrote, or whose digest you know.

    Raises:
        InputError: it is no TorchScript file, or was not written by `write_torchscript`.
    """
    names = read_facts(path)[INPUTS]
    with _quietly():
        function = torch.jit.load(path, map_location="cpu").eval()  # type: ignore[no-untyped-call]

    def run(inputs: Mapping[str, npt.NDArray[np.int64]]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = function(*(torch.from_numpy(inputs[name]) for name in names)).numpy()
        return found

    return run


def read_facts(path: Path) -> dict[str, Any]:
    """Read the facts of a TorchScript file, with the names of its `inputs` and its `output`; nothing of it is run.

    Raises:
        InputError: it is no TorchScript file, or was not written by `write_torchscript`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = (each for each in archive.namelist() if each.endswith(f"/extra/{FACTS}"))
            facts: dict[str, Any] = json.loads(archive.read(name))
    except (zipfile.BadZipFile, ValueError) as broken:
        raise InputError(f"{path} is no TorchScript file with {FACTS}; potstill onnx-export writes one") from broken
    return facts


def _traced(model: PreTrainedModel, names: Sequence[str], output: str) -> Any:
    def forward(*inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = getattr(model(**dict(zip(names, inputs, strict=True))), output)
        return found

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    # Torch reads the names of the inputs here.
    forward.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    example = _example(model)
    inputs = tuple(example[name] for name in names)
    # A function, not a module: of a module torch keeps each part as a class, under a number that goes on counting from
    # one trace to the next.
    return torch.jit.trace(forward, inputs, check_trace=False)  # type: ignore[no-untyped-call]


def _example(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Two rows, the second one padded, of tokens that every vocabulary has."""
    longest = longest_input(model.config.to_dict()) or EXAMPLE_TOKENS
    shape = (EXAMPLE_ROWS, min(EXAMPLE_TOKENS, longest))
    mask = torch.ones(shape, dtype=torch.int64)
    mask[-1, (shape[1] + 1) // 2 :] = 0
    tokens = torch.arange(mask.numel()).reshape(shape) % model.config.vocab_size
    return {"input_ids": tokens, "attention_mask": mask, "token_type_ids": torch.zeros_like(mask)}


@contextmanager
def _constant(model: PreTrainedModel) -> Iterator[None]:
    """Let no weight ask for gradients: neither the tracer nor the file takes one that does for a constant."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def _without_source_lines(saved: io.BytesIO) -> bytes:
    """Copy a TorchScript archive, but the records for error messages: they hold paths and lines of this machine."""
    saved.seek(0)
    source, copy = torch._C.PyTorchFileReader(saved), io.BytesIO()  # noqa: SLF001 — torch.package's own way
    target = torch._C.PyTorchFileWriter(copy)  # noqa: SLF001
    records = source.get_all_records()
    (version,) = (name for name in records if name in ("version", ".data/version"))
    # The writer's own number is an old one, for which torch would give some operators their old meaning.
    target.set_min_version(int(source.get_record(version)))
    for name in records:
        if name.startswith(("code/", "constants", "data", "extra/")) and not name.endswith(".debug_pkl"):
            content = source.get_record(name)
            target.write_record(name, content, len(content))
    target.write_end_of_file()
    return copy.getvalue()


@contextmanager
def _quietly() -> Iterator[None]:
    with without_noise():
        # torch.export, which torch points to, writes files for Python and for ExecuTorch, not for this library.
        warnings.filterwarnings("ignore", message=r"`torch\.jit\..*` is deprecated", category=DeprecationWarning)
        yield
