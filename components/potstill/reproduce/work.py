"""The work itself: stage by stage in the order of the lineage, until one comes out another way."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path

from potstill.artifacts import Artifact, expect, is_sealed, read_manifest
from potstill.errors import ArtifactError
from potstill.progress import tell
from potstill.reproduce.adopting import adopt, forget, note, noted
from potstill.reproduce.comparing import differences, same_but_for_the_maker
from potstill.reproduce.here import Machine
from potstill.reproduce.originals import Originals
from potstill.reproduce.plan import DIGITS, Plan, named
from potstill.reproduce.recipe import command_of
from potstill.reproduce.running import environment_of, last_words, run

MOST = 20  # differences that are told of one stage


class Outcome(StrEnum):
    """What became of a stage; as the sign that stands before it."""

    EQUAL = "✓"
    ALIKE = "≈"
    DIFFERENT = "✗"
    FAILED = "!"
    LEFT = "–"


GOOD = (Outcome.EQUAL, Outcome.ALIKE)


@dataclass(frozen=True)
class Done:
    """A stage that was run again, or not.

    Attributes:
        wanted: the artifact as the evidence has it.
        outcome: equal, equal but for who made it, different, failed, or left.
        digest: of what was made here; empty where nothing was.
        seconds: that it took; None where it was taken from an earlier run.
        told: in what it differs, or why it failed.
    """

    wanted: Artifact
    outcome: Outcome
    digest: str = ""
    seconds: float | None = 0.0
    told: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Work:
    """What a reproduction runs with.

    Attributes:
        plan: what is run.
        out: where.
        machine: what this machine computes with.
        originals: artifacts of the first run, as far as they are at hand: to look into what differs.
        other_code: whether an artifact counts that differs in nothing but who made it.
    """

    plan: Plan
    out: Path
    machine: Machine
    originals: Originals
    other_code: bool

    def run(self, given: Mapping[str, Path]) -> Iterator[Done]:
        """Run every stage, and yield what became of it.

        After the first that differs the others are left; with other_code, those alone that read it.

        Args:
            given: digest → folder, of what is not made here.
        """
        places, lost = dict(given), set[str]()
        for number, wanted in enumerate(self.plan.made, 1):
            reads_lost = bool(lost & set(wanted.inputs.values())) if self.other_code else bool(lost)
            done = Done(wanted, Outcome.LEFT) if reads_lost else self._done(wanted, places, number)
            if done.outcome not in GOOD:
                lost.add(wanted.digest)
            yield done

    def _done(self, wanted: Artifact, places: dict[str, Path], number: int) -> Done:
        folder = self.plan.folder_of(wanted, self.out)
        done = self._taken(wanted, folder) or self._made(wanted, folder, places, number)
        places[wanted.digest] = folder
        tell(_line(done))
        return done

    def _taken(self, wanted: Artifact, folder: Path) -> Done | None:
        """Take what an earlier run in this folder has made, where it is whole and of the digest."""
        if not is_sealed(folder):
            return None
        try:
            expect(folder, wanted.kind, digest=wanted.digest)
        except ArtifactError:  # made by an earlier run that went another way, or broken since: made again
            return None
        told = noted(folder)
        if told is None:
            return Done(wanted, Outcome.EQUAL, wanted.digest, None)
        return Done(wanted, Outcome.ALIKE, wanted.digest, None, told) if self.other_code else None

    def _made(self, wanted: Artifact, folder: Path, places: Mapping[str, Path], number: int) -> Done:
        log, started = folder.with_suffix(".log"), time.monotonic()
        tell(f"{number} of {len(self.plan.made)}, {named(wanted)}: running; its words are in {log}")
        forget(folder)
        code = run(command_of(wanted, places, folder), environment_of(wanted, self.machine), log)
        seconds = time.monotonic() - started
        if code or not is_sealed(folder):
            why = f"ended by signal {-code}" if code < 0 else last_words(log)
            return Done(wanted, Outcome.FAILED, "", seconds, (why,))
        return self._compared(wanted, read_manifest(folder), seconds)

    def _compared(self, wanted: Artifact, made: Artifact, seconds: float) -> Done:
        if made.digest == wanted.digest:
            return Done(wanted, Outcome.EQUAL, made.digest, seconds)
        told = tuple(islice(differences(wanted, made, self._original(wanted)), MOST + 1))
        if len(told) > MOST:
            told = (*told[:MOST], "and more")
        if self.other_code and same_but_for_the_maker(wanted, made):
            note(made.path, told)
            adopt(wanted, made.path)  # so that the next stage reads the very inputs that the evidence tells
            return Done(wanted, Outcome.ALIKE, made.digest, seconds, told)
        return Done(wanted, Outcome.DIFFERENT, made.digest, seconds, told)

    def _original(self, wanted: Artifact) -> Path | None:
        """A folder with the files as they were: of the first run, else those that the release ships."""
        evidence = self.plan.evidence
        shipped = [folder for folder, digest in evidence.index.ships.items() if digest == wanted.digest]
        found = self.originals.folders.get(wanted.digest)
        return found or (evidence.folder / shipped[0] if shipped else None)


def _line(done: Done) -> str:
    told = {
        Outcome.EQUAL: f"equal, {done.digest[:DIGITS]}",
        Outcome.ALIKE: "the same work by another maker",
        Outcome.DIFFERENT: f"differs, {done.digest[:DIGITS]}",
        Outcome.FAILED: f"failed: {done.told[0] if done.told else ''}",
    }[done.outcome]
    return f"{done.outcome} {named(done.wanted)}: {told}{clock(done.seconds)}"


def clock(seconds: float | None) -> str:
    """Write how long something took, for the end of a line."""
    return ", from an earlier run" if seconds is None else f", {seconds:.1f} s"
