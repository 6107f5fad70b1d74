"""What a launcher asks of the place where jobs run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from potstill.train_job.config import TrainJobConfig
from potstill.train_job.work import Work

GOING, SUSPENDED, DONE, FAILED = "going", "suspended", "done", "failed"


@dataclass(frozen=True)
class Job:
    """A job as it is now.

    Attributes:
        state: GOING, SUSPENDED, DONE or FAILED.
        what: for people: how its pods are, or why it failed.
    """

    state: str
    what: str = ""


class Jobs(Protocol):
    """A place where jobs run. Each method raises JobError when the place cannot be reached, or refuses."""

    def find(self, name: str) -> Job | None:
        """Return a job; None where there is none of this name."""

    def create(self, work: Work, config: TrainJobConfig) -> None:
        """Start a job under the work's name; one that is there already is left as it is."""

    def delete(self, name: str) -> None:
        """Delete a job and wait until it is gone."""

    def suspend(self, name: str) -> None:
        """Take a job's pods away and keep the job."""

    def resume(self, name: str) -> None:
        """Give a suspended job pods again."""

    def lines(self, name: str) -> Iterator[str]:
        """Yield what the first pod has said and was not yet yielded; end when it says no more for now."""
