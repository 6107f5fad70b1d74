"""The checkpoints of one run of a stage: a folder for each of its trainings, below one URI that outlives the machine.

    <uri>/<stage>/<work>/WORK.json            what the work is made of; its digest is the folder's name
    <uri>/<stage>/<work>/01-student/00001200-0002/  model, optimizer, … .safetensors, state.json, COMMIT.json

One URI serves all stages and all runs: other options, inputs or sources are other work, in another folder.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from potstill import processes
from potstill.artifacts import UNSEALED, is_sealed
from potstill.errors import InputError, MissingError, OptionError
from potstill.progress import tell
from potstill.store.disk import DiskPlace
from potstill.store.places import Place, open_place
from potstill.training.resume.commits import Commits
from potstill.training.resume.phase import Phase
from potstill.training.resume.saver import Saver
from potstill.training.resume.snapshot import SPOILED, from_blobs, put_back, take
from potstill.training.resume.termination import Termination
from potstill.training.resume.work import difference, digest
from potstill.training.state import TrainingState

WORK = "WORK.json"
MOST = 50  # works that are compared with this one
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


class KeptPhase(Phase):
    """A training whose state is kept, and taken up again."""

    def __init__(self, what: str, commits: Commits, saver: Saver, asked: Termination) -> None:
        """Prepare it; arguments as in KeptCheckpoints."""
        self.what, self.commits, self.saver, self.asked = what, commits, saver, asked
        self._taken_up = ""

    @property
    def newest(self) -> str:
        """Where the last checkpoint is that was kept or taken up; empty without one."""
        return self.saver.written or self._taken_up

    def restore(self, state: TrainingState) -> bool:
        """Give a new state what was reached before; tell whether the training had ended already."""
        name, blobs = self._restore(state) if processes.is_first() else ("", {})
        names = json.loads(processes.from_first(json.dumps(sorted(blobs)).encode()))
        if not names:
            return False
        snapshot = from_blobs({each: processes.from_first(blobs.get(each, b"")) for each in names})
        put_back(snapshot, state)
        self._taken_up = self.commits.where(name)
        tell(f"{self.what}: taken up again from {self._taken_up}")
        return snapshot.finished

    def _restore(self, state: TrainingState) -> tuple[str, dict[str, bytes]]:
        """Try the checkpoints, the newest first, on the state; what one of them spoils is put right."""
        begun = take(state, finished=False)
        for name, blobs in self.commits.whole():
            try:
                put_back(from_blobs(blobs), state)
            except SPOILED as spoiled:
                put_back(begun, state)
                self.commits.refuse(name, f"it does not fit this training ({type(spoiled).__name__})")
            else:
                return name, blobs
        return "", {}

    def tick(self, state: TrainingState) -> None:
        """Keep the state when it is time."""
        if processes.is_first() and self.saver.due:
            self._save(state)

    def keep(self, state: TrainingState) -> str:
        """Keep the state now; all processes come back when it is kept, for an end of one ends the others."""
        where = ""
        if processes.is_first():
            self._save(state)
            where = self.commits.where(_name(state)) if self.saver.wait() else ""
        return processes.from_first(where.encode()).decode()

    def finish(self, state: TrainingState) -> None:
        """Keep what the training ended with."""
        if processes.is_first():
            self._save(state, finished=True)

    def _save(self, state: TrainingState, *, finished: bool = False) -> None:
        name = _name(state) + ("-finished" if finished else "")
        self.saver.save(lambda: take(state, finished=finished), self.commits, name)


def _name(state: TrainingState) -> str:
    """Steps and epochs that are done: before and after an epoch is judged, the steps are the same."""
    return f"{state.step:08d}-{state.epoch:04d}"


def _refuse_artifact(place: Place, root: str, output: Path) -> None:
    """Refuse a folder inside an artifact, sealed, begun or to come: a file more would break it."""
    if not isinstance(place, DiskPlace):
        return
    folder = (place.folder / root).resolve()
    for each in folder.parents:
        if is_sealed(each) or (each / UNSEALED).exists() or each == output.resolve():
            raise OptionError(f"{place.uri} lies inside {each}, which is an artifact; pass a folder outside it")


def _register(place: Place, root: str, work: Mapping[str, Any]) -> None:
    """Write what the work is made of, which also shows that the store can be written before anything is done."""
    try:
        works = [key for key in place.keys(str(work["stage"])) if key.endswith(f"/{WORK}")]
        if f"{root}/{WORK}" not in works:
            _tell_of_others(place, works, work)
            place.write(f"{root}/{WORK}", json.dumps(dict(work), indent=1, ensure_ascii=False).encode())
    except InputError as refused:
        raise InputError(f"checkpoint_uri: {refused}; pass another place, or leave it out") from refused


def _tell_of_others(place: Place, works: list[str], work: Mapping[str, Any]) -> None:
    """Say what is different about the work that is most like this one: a person may have meant to go on with it."""
    found = []
    for key in works[:MOST]:
        with suppress(ValueError, TypeError, AttributeError, RecursionError, MissingError):
            found.append((difference(work, json.loads(place.read(key))), key))
    if found:
        differences, key = min(found, key=lambda each: len(each[0]))
        tell(
            f"nothing is kept of this very work; {key} has {len(differences)} differences: {'; '.join(differences[:3])}"
        )


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
        _refuse_artifact(place, root, output)
        _register(place, root, work)
    saver = Saver(seconds)
    try:
        yield KeptCheckpoints(place, root, digest(work), saver)
    finally:
        saver.close()
