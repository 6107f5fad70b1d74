"""ONNX files as plain onnxruntime computes them."""

from functools import partial
from pathlib import Path

import onnxruntime as ort

from potstill.artifacts import Artifact
from potstill.data.batches import pad
from potstill.data.tokens import TokenTable, shortened
from potstill.errors import InputError
from potstill.measure.chunks import predict_in_chunks
from potstill.measure.onnx_session import feed_for, fixed_shape, open_session, predict_onnx
from potstill.onnx_export.config import TEXT_CLASSIFICATION
from potstill.validate.candidates import TITLES, Call, Candidate, Rows, Runner
from potstill.validate.models.weights import initializers_by_part

DYNAMIC, STATIC = "int8", "int8_qdq"
BATCH = 64
CHUNK = 512  # rows between two steps of the progress line; 8 batches, so that rows of like length still meet


def onnx_candidates(artifact: Artifact, float_source: str, int8_source: str, threads: int) -> list[Candidate]:
    """List every ONNX file.

    Args:
        artifact: onnx/v1.
        float_source: the PyTorch candidate with float weights.
        int8_source: the one with the checkpoint's scales, which some int8 files compute the same as.
        threads: chunks computed side by side.

    Raises:
        InputError: the files answer something else than labels.
    """
    task = artifact.meaning.get("task", TEXT_CLASSIFICATION)  # files of an earlier release do not say
    if task != TEXT_CLASSIFICATION:
        raise InputError(f"the files of {artifact.path} are for {task}; validate judges labels: leave --onnx out")
    simulated = artifact.meaning.get("simulated", [STATIC])  # likewise
    return [
        Candidate(
            f"onnx_{name}",
            artifact.path / file,
            int8_source if name in simulated else float_source,
            partial(_open, name, artifact.path / file, threads),
            partial(initializers_by_part, artifact.path / file),
            "onnx",
        )
        for name, file in artifact.meaning["formats"].items()
        if f"onnx_{name}" in TITLES  # the others hold the same graph, or are no ONNX; the export compared them
    ]


def _open(name: str, file: Path, threads: int) -> Runner:
    session = open_session(file, threads=1)
    # Dynamic int8 takes one activation scale for a whole batch: alone, a row gets the answer that a phone would give.
    predict = partial(predict_onnx, session, batch_size=1 if name == DYNAMIC else BATCH)
    title, (rows, tokens) = TITLES[f"onnx_{name}"], fixed_shape(session)
    return Runner(
        predict=lambda table: predict_in_chunks(predict, table, CHUNK, threads, title),
        prepare=partial(_prepare, session),
        batch=rows,
        tokens=tokens,
    )


def _prepare(session: ort.InferenceSession, table: TokenTable, rows: Rows) -> Call:
    tokens = fixed_shape(session)[1]
    inputs = feed_for(session, pad(shortened(table, tokens) if tokens else table, rows))
    return lambda: session.run(["logits"], inputs)
