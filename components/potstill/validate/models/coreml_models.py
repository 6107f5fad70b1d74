"""Core ML packages as the interpreter of `potstill.coreml` computes them, with no Mac."""

from functools import partial
from pathlib import Path

from potstill.artifacts import Artifact
from potstill.coreml import load_program
from potstill.data.tokens import TokenTable
from potstill.measure.chunks import Logits, predict_in_chunks
from potstill.measure.coreml_session import predict_coreml
from potstill.validate.candidates import TITLES, Candidate, Runner
from potstill.validate.models.weights import package_by_part

CHUNK = 64  # rows between two steps of the progress line


def coreml_candidates(artifact: Artifact, source: str, threads: int) -> list[Candidate]:
    """List every package of a coreml/v1 artifact, all made from the PyTorch candidate `source`."""
    return [
        _candidate(name, artifact.path / file, source, threads) for name, file in artifact.meaning["formats"].items()
    ]


def _candidate(name: str, package: Path, source: str, threads: int) -> Candidate:
    opened = partial(_open, name, package, threads)
    return Candidate(f"coreml_{name}", package, source, opened, partial(package_by_part, package))


def _open(name: str, package: Path, threads: int) -> Runner:
    program, title = load_program(package), TITLES[f"coreml_{name}"]

    def predict(table: TokenTable) -> Logits:
        return predict_in_chunks(lambda part: predict_coreml(program, part), table, CHUNK, threads, title)

    return Runner(predict, prepare=None)  # the interpreter's time is not a phone's
