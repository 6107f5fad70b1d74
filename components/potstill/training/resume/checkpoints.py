"""The checkpoints of one run of a stage: a folder for each of its trainings, below one URI that outlives the machine.

    <uri>/<stage>/<work>/WORK.json            what the work is made of; its digest is the folder's name
    <uri>/<stage>/<work>/01-student/00001200-0002/  model, optimizer, … .safetensors, state.json, COMMIT.json

One URI serves all stages and all runs: other options, inputs or sources are other work, in another folder.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from potstill import processes
from potstill.store.places import Place, open_place
from potstill.training.resume.commits import Commits
from potstill.training.resume.kept_phase import KeptPhase
from potstill.training.resume.phase import Phase
from potstill.training.resume.registry import refuse_artifact, register
from potstill.training.resume.saver import Saver
from potstill.training.resume.termination import Termination
from potstill.training.resume.work import digest

DIGITS = 16  # of the work's digest, in the folder's name


class Checkpoints:
    """Gives each training of a run its phase, in their order; here nothing is kept."""

    def phase(self, what: str) -> Phase:  # noqa: ARG002 - nothing is kept
        """Begin the next training; what: its name for people."""
        return Phase()


class KeptCheckpoints(Checkpoints):
    """Keeps the trainings of a run in a place."""

    def __init__(self, place: Place, root: str, work: str, saver: Saver) -> None:
        """Look at the folder of a run; only the first process reads and writes it."""
        self.begun = 0
        self.place, self.root, self.work, self.saver = place, root, work, saver
        self.asked = Termination()

    def phase(self, what: str) -> Phase:
        """Begin the next training; what: its name for people."""
        self.begun += 1
        folder = f"{self.root}/{self.begun:02d}-{re.sub('[^a-z0-9]+', '-', what.lower()).strip('-')}"
        return KeptPhase(what, Commits(self.place, folder, self.work), self.saver, self.asked)


@contextmanager
def kept_at(uri: str, seconds: float, work: Mapping[str, Any], output: Path) -> Iterator[Checkpoints]:
    """Open the checkpoints of a run; when the block ends, what is being written is written.

    Args:
        uri: `file://` or `s3://`; empty: nothing is kept.
        seconds: between two checkpoints.
        work: what the run is made of, of `describe`.
        output: the folder that the run will write.

    Raises:
        OptionError: the URI is none, or leads into an artifact.
        InputError: the store cannot be written.
    """
    if not uri:
        yield Checkpoints()
        return
    place, root = open_place(uri), f"{work['stage']}/{digest(work)[:DIGITS]}"
    if processes.is_first():
        refuse_artifact(place, root, output)
        register(place, root, work)
    saver = Saver(seconds)
    try:
        yield KeptCheckpoints(place, root, digest(work), saver)
    finally:
        saver.close()
