"""Which of a stage's options are folders, and how they come to this machine."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import get_args

from potstill.commands import STAGES
from potstill.progress import tell
from potstill.remote.places import on_disk, standard
from potstill.store.finding import fetch

OUTPUTS = {"teacher-train": "teacher", "distill": "student", "prune": "pruned", "qat": "quantized"}
"""The training stages, and the parameter of each that is the folder it writes."""


@dataclass(frozen=True)
class Output:
    """The folder that a stage writes.

    Attributes:
        folder: where it is written on this machine.
        uri: where it is published then; empty: it is where it belongs.
    """

    folder: Path
    uri: str = ""


def brought(stage: str, arguments: Sequence[str], scratch: Path) -> tuple[list[str], Output | None]:
    """Fetch every input that lies in a store, and write a command line in which all folders are local.

    Args:
        stage: a key of OUTPUTS.
        arguments: the stage's command line.
        scratch: where fetched folders go, and the output when it is to be published.

    Returns: the command line to run, and the output; None where the command line names none.

    Raises:
        InputError: a folder cannot be fetched.
        OptionError: a folder in a place that is not read.
    """
    folders, output = folders_of(stage), None
    local = _one_token_each(arguments, folders)
    for at, token in enumerate(local):
        option, _, place = token.partition("=")
        name = _parameter(option)
        if name not in folders or not place:
            continue
        folder = on_disk(place)
        if name == OUTPUTS[stage]:
            output = Output(folder) if folder else Output(scratch / name, standard(place))
        elif folder is None:
            fetch_folder(place, scratch / name)
        local[at] = f"{option}={folder or scratch / name}"
    return local, output


def fetch_folder(place: str, folder: Path) -> None:
    """Fetch a folder out of a store.

    Raises:
        InputError: nothing is there, or the store refuses.
    """
    tell(f"fetching {place}")
    folder.mkdir(parents=True, exist_ok=True)
    fetch(standard(place), folder)


def folders_of(stage: str) -> set[str]:
    """Name the parameters of a stage's function that are folders."""
    module, function, _ = STAGES[stage]
    parameters = inspect.signature(getattr(import_module(module), function)).parameters
    return {name for name, each in parameters.items() if Path in (each.annotation, *get_args(each.annotation))}


def _one_token_each(arguments: Sequence[str], folders: set[str]) -> list[str]:
    """Write `--tokens place` as `--tokens=place`, for folders only; all else stays as it came."""
    tokens, rest = [], list(arguments)
    while rest:
        token = rest.pop(0)
        tokens.append(f"{token}={rest.pop(0)}" if rest and _parameter(token) in folders else token)
    return tokens


def _parameter(option: str) -> str:
    """The parameter that an option sets; empty where it is none."""
    return option[2:].replace("-", "_") if option.startswith("--") else ""
