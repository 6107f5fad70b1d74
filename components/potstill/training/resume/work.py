"""What a training is made of: only a checkpoint of the very same work may be taken up again."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import rfc8785

from potstill.artifacts import Artifact
from potstill.provenance import maker


def describe(stage: str, config: Any, inputs: Mapping[str, Artifact]) -> dict[str, Any]:
    """Tell everything that shapes the bytes of a training: inputs, options, code, libraries, threads and processes.

    The git revision is left out: the digest of the sources tells more exactly which code it is.

    Args:
        stage: the stage's name, as on the command line.
        config: its options.
        inputs: what it reads, by the name of its parameter.
    """
    made_by = {name: each for name, each in maker(stage, config).items() if name != "revision"}
    return {**made_by, "inputs": {name: each.digest for name, each in inputs.items()}}


def digest(work: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a description, as canonical JSON."""
    return sha256(rfc8785.dumps(dict(work))).hexdigest()


def difference(work: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Say what differs between two works, a few words each: "config.seed 0, not 1"."""
    own, others = _flat(work), _flat(other)
    names = sorted(name for name in own.keys() | others.keys() if own.get(name) != others.get(name))
    return [f"{name} {own.get(name, 'none')}, not {others.get(name, 'none')}" for name in names]


def _flat(work: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(work, Mapping):
        return {name: work}
    return {key: each for part in work for key, each in _flat(work[part], f"{name}.{part}" if name else part).items()}
