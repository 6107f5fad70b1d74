"""Opening a model file and making it ready, whatever kind of model it holds."""

from pathlib import Path

from potstill.coreml.damage import damage_at
from potstill.coreml.mlprogram.program import Program
from potstill.coreml.model import Model
from potstill.coreml.neural_network.network import Network
from potstill.coreml.package import NETWORKS, PIPELINES, PROGRAM, Package, open_package
from potstill.coreml.pipeline import Pipeline
from potstill.errors import InputError


def load(path: Path, function: str = "") -> Model:
    """Open a .mlpackage or .mlmodel and prepare it once: constants are read and decompressed, operations bound.

    Args:
        path: the package's folder, or the file.
        function: which function of an mlprogram; empty: the one that it calls by default.

    Returns: a model whose `predict` computes what the file describes; of an updatable one, as it stands.

    Raises:
        InputError: not a package, a damaged one, a type of model or an operator that is not executed, or no such
            function.
    """
    return prepare(open_package(path), function)


def load_program(path: Path, function: str = "") -> Program:
    """Open a package that must hold an mlprogram; see `load`."""
    package = open_package(path)
    if package.kind != PROGRAM:
        raise InputError(f"{path} holds a {package.kind} model; wanted is an {PROGRAM}")
    with damage_at(str(path)):
        return Program(package, function)


def prepare(package: Package, function: str = "") -> Model:
    """Make an opened package ready; see `load`."""
    with damage_at(str(package.path)):
        return _prepared(package, function)


def _prepared(package: Package, function: str) -> Model:
    if package.kind == PROGRAM:
        return Program(package, function)
    if function:
        raise InputError(f"{package.path} holds a {package.kind} model, which has no functions; leave {function!r} out")
    if package.kind in PIPELINES:
        return Pipeline(package, [prepare(part) for part in package.parts])
    if package.kind in NETWORKS:
        return Network(package)
    raise InputError(
        f"{package.path} holds a {package.kind} model; wanted is an {PROGRAM}, or any of "
        f"{', '.join(PIPELINES + NETWORKS)}"
    )
