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
