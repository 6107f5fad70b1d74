"""One training of a stage, as the loop sees it: where to begin, and when to keep what was reached."""

from contextlib import AbstractContextManager, nullcontext

from potstill.training.state import TrainingState


class Phase:
    """A training that is kept nowhere: when it is killed, it begins anew."""

    @property
    def asked_to_stop(self) -> bool:
        """Whether the system asked the process to end (SIGTERM), so that the state should be kept now."""
        return False

    def listening(self) -> AbstractContextManager[None]:
        """Hear SIGTERM while the block runs."""
        return nullcontext()

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
