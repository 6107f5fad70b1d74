"""From an opened package to the facts about it."""

from dataclasses import dataclass
from typing import Any

from potstill.coreml.damage import damage_at
from potstill.coreml.inspection.compression import summed, weight_facts
from potstill.coreml.inspection.facts import Facts, WeightFacts
from potstill.coreml.inspection.features import described, labels_of
from potstill.coreml.inspection.networks import layers_of, weights_of
from potstill.coreml.inspection.neural_engine import advice
from potstill.coreml.inspection.sizes import by_part, bytes_of
from potstill.coreml.inspection.stored import Declared, declared
from potstill.coreml.inspection.targets import target_of
from potstill.coreml.loading import prepare
from potstill.coreml.mlprogram.program import Program
from potstill.coreml.package import NETWORKS, PROGRAM, Package
from potstill.errors import DamagedError, InputError


@dataclass(frozen=True)
class Refusal:
    """Why a package is not executed, empty if it is; and whether that is because it is damaged."""

    why: str = ""
    damaged: bool = False


EXECUTED = Refusal()


def read_facts(package: Package, function: str = "") -> Facts:
    """Tell what a package says of itself; a package that is not executed is read as far as it declares itself.

    Args:
        package: opened.
        function: of a program; empty: the one that it calls by default.

    Raises:
        InputError: there is no such function, or the package is too damaged to be read.
    """
    with damage_at(str(package.path)):
        return _read(package, function)


def _read(package: Package, function: str) -> Facts:
    message, whole = package.model.description, package.path.exists()
    found = declared(package.block_of(function)) if package.kind == PROGRAM else Declared()
    weights, refused = _weights(package, function, found)
    total = bytes_of(package.path) if whole else package.model.ByteSize() + sum(each.bytes for each in weights)
    parts = tuple(read_facts(part) for part in package.parts)
    return Facts(
        name=package.path.name,
        kind=package.kind,
        updatable=bool(package.model.isUpdatable),
        target=target_of(package.model.specificationVersion),
        functions=package.functions,
        function=(function or package.default) if package.functions else "",
        inputs=tuple(described(each) for each in package.described(function).input),
        outputs=tuple(described(each) for each in package.described(function).output),
        labels=labels_of(package),
        metadata=_metadata(message.metadata),
        bytes=total,
        sizes=() if parts else by_part(weights, total),
        compression=summed(weights),
        weights=tuple(sorted(weights, key=lambda each: (-each.bytes, each.name))),
        activations=dict(found.activations.most_common()),
        operators=dict((found.operators or _layers(package)).most_common()),
        advice=advice(package, function),
        not_executed=refused.why,
        damaged=refused.damaged,
        parts=parts,
    )


def _weights(package: Package, function: str, found: Declared) -> tuple[list[WeightFacts], Refusal]:
    """Return the weights, and why the package is not executed."""
    if package.kind in NETWORKS:
        return list(weights_of(getattr(package.model, package.kind))), _refusal(package)
    if package.kind != PROGRAM:
        return [], _refusal(package)
    try:
        with damage_at(str(package.path)):
            program = Program(package, function)
    except InputError as refused:
        return [], _refusal_by(refused)
    return [weight_facts(each, found) for each in program.weights if each.shape], EXECUTED


def _refusal(package: Package) -> Refusal:
    try:
        prepare(package)
    except InputError as refused:
        return _refusal_by(refused)
    return EXECUTED


def _refusal_by(refused: InputError) -> Refusal:
    return Refusal(str(refused), isinstance(refused, DamagedError))


def _layers(package: Package) -> Any:
    return layers_of(getattr(package.model, package.kind)) if package.kind in NETWORKS else Declared().operators


def _metadata(metadata: Any) -> dict[str, str]:
    said = {
        "author": metadata.author,
        "licence": metadata.license,
        "version": metadata.versionString,
        "description": metadata.shortDescription,
        **dict(sorted(metadata.userDefined.items())),
    }
    return {name: value for name, value in said.items() if value}
