"""A training whose state is kept, and taken up again after a kill."""

import json

from potstill import processes
from potstill.progress import tell
from potstill.training.resume.commits import Commits
from potstill.training.resume.phase import Phase
from potstill.training.resume.saver import Saver
from potstill.training.resume.snapshot import SPOILED, from_blobs, put_back, take
from potstill.training.resume.termination import Termination
from potstill.training.state import TrainingState


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
