"""A manifest turned back into the command line that made it."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from potstill.artifacts import Artifact
from potstill.commands import STAGES
from potstill.errors import ArtifactError
from potstill.lineage.highlights import option
from potstill.lineage.outputs import OUTPUTS
from potstill.lineage.shown import shown
from potstill.reproduce.plan import named, stage_of

LISTED = re.compile(r"([a-z][a-z0-9_]{0,63})\[(0|[1-9][0-9]{0,3})\]")  # an input of several, as members[0]
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MOST_PROCESSES = 64  # of one training; a manifest that tells more is not believed
# Options that no manifest tells, since they change no byte: nobody reads the milliseconds of a reproduction.
UNTOLD = {"validate": {"latency_rows": 1, "latency_warmup": 0, "latency_lengths": "3", "footprint": False}}


def command_of(artifact: Artifact, places: Mapping[str, Path], out: Path) -> list[str]:
    """Return the arguments of the process that makes an artifact again.

    Args:
        artifact: its manifest.
        places: digest → folder, of everything that it was made from.
        out: the folder to write.

    Raises:
        ArtifactError: inputs or options that no stage writes into a manifest.
    """
    stage = stage_of(artifact)
    inputs = {name: [places[each] for each in digests] for name, digests in inputs_of(artifact).items()}
    arguments = [word for name, folders in inputs.items() for word in (_flag(name), *map(str, folders))]
    settings = {**_config(artifact), **UNTOLD.get(stage, {})}
    return [
        *(sys.executable, *_starter(artifact)),
        STAGES[stage][0],
        *arguments,
        *(_flag(OUTPUTS[stage]), str(out)),
        *(f"{_flag(name)}={option(value)}" for name, value in settings.items()),
    ]


def inputs_of(artifact: Artifact) -> dict[str, list[str]]:
    """Return the digests that each parameter was given, those of a list in its order.

    Raises:
        ArtifactError: a name that is none of a parameter, or a list with holes.
    """
    found: dict[str, dict[int, str]] = {}
    for name, digest in artifact.inputs.items():
        inside = LISTED.fullmatch(name)
        parameter, place = (inside[1], int(inside[2])) if inside else (name, 0)
        if not NAME.fullmatch(parameter) or place in found.get(parameter, {}):
            raise ArtifactError(f"{named(artifact)} read {shown(name)}, which no stage has; its manifest is forged")
        found.setdefault(parameter, {})[place] = digest
    for parameter, places in found.items():
        if sorted(places) != list(range(len(places))):
            raise ArtifactError(f"{named(artifact)} read {parameter} with holes; its manifest is forged")
    return {name: [each for _, each in sorted(places.items())] for name, places in found.items()}


def processes_of(artifact: Artifact) -> int:
    """Return how many processes trained it.

    Raises:
        ArtifactError: no number that can be.
    """
    told = artifact.made_by["processor"].get("processes", 1)
    if not isinstance(told, int) or isinstance(told, bool) or not 1 <= told <= MOST_PROCESSES:
        raise ArtifactError(f"{named(artifact)} was made by {told!r} processes; wanted is 1 to {MOST_PROCESSES}")
    return told


def _starter(artifact: Artifact) -> tuple[str, ...]:
    count = processes_of(artifact)
    if count == 1:
        return ("-m",)
    # Without the --, torchrun would read --start as an option of its own.
    return ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", "-m", "--")


def _config(artifact: Artifact) -> dict[str, Any]:
    """The options that the manifest tells, as far as they are of a command line."""
    config = artifact.made_by["config"]
    wrong = [name for name, each in config.items() if not NAME.fullmatch(name) or not _is_plain(each)]
    if wrong:
        told = ", ".join(map(shown, wrong))
        raise ArtifactError(f"{named(artifact)} tells options that no stage has: {told}; its manifest is forged")
    return dict(config)


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and "\0" not in value)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
