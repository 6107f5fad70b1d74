"""One training of a stage, as the loop sees it: where to begin, and when to keep what was reached."""

from contextlib import AbstractContextManager, nullcontext

from potstill import processes
from potstill.training.resume.termination import Termination
from potstill.training.state import TrainingState


class Phase:
    """A training that is kept nowhere: when it is killed, it begins anew."""

    asked: Termination | None = None
    """Hears whether the process should end, so that the state is kept before; None: it ends at once."""

    @property
    def newest(self) -> str:
        """Where the last checkpoint is that was kept or taken up; empty without one."""
        return ""

    @property
    def asked_to_stop(self) -> bool:
        """Whether the process was asked to end."""
        return self.asked is not None and self.asked.came

    def listening(self) -> AbstractContextManager[None]:
        """Hear SIGTERM and Ctrl-C while the block runs, and go on."""
        return self.asked.listening() if self.asked else nullcontext()

    def interruptible(self) -> AbstractContextManager[None]:
        """Leave the block at once when the process is asked to end; not where other processes wait for this one."""
        return self.asked.interrupting() if self.asked and processes.count() == 1 else nullcontext()

    def restore(self, state: TrainingState) -> bool:  # noqa: ARG002 - nothing is kept
        """Give a new state what was reached before; tell whether the training had ended already."""
        return False

    def tick(self, state: TrainingState) -> None:
        """Keep the state when it is time; called between two steps."""

    def keep(self, state: TrainingState) -> str:  # noqa: ARG002 - nothing is kept
        """Keep the state now, come back when it is kept, and say where; empty where nothing is kept."""
        return ""

    def finish(self, state: TrainingState) -> None:
        """Keep what the training ended with; the model holds its best weights."""
