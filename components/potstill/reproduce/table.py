"""The end of a reproduction, told: a line for every artifact, what differs, and what that comes to."""

from collections.abc import Iterable, Iterator, Sequence

from potstill.evidence.evidence import Evidence
from potstill.lineage.facts import digest_of_folder
from potstill.lineage.shown import padded, shown
from potstill.reproduce.given import Given
from potstill.reproduce.plan import DIGITS, Plan, stage_of
from potstill.reproduce.work import Done, Outcome

EXPLAINED = {
    Outcome.EQUAL: "",
    Outcome.ALIKE: "the same files and options, made by other code or libraries",
    Outcome.DIFFERENT: "differs",
    Outcome.FAILED: "failed",
    Outcome.LEFT: "not run",
}
STAGE = 18  # columns


def lines_of(plan: Plan, given: Iterable[Given], done: Sequence[Done], seconds: float) -> Iterator[str]:
    """Yield the table, and the conclusion.

    Args:
        plan: what was to be done.
        given: what was not made here.
        done: what became of each stage.
        seconds: of the whole.
    """
    yield f"{title_of(plan.evidence)}, reproduced in {duration(seconds)}"
    yield ""
    for each in given:
        yield f"= {_named(stage_of(each.artifact), each.artifact.digest)}            {shown(each.how)}"
    for artifact in plan.carried:
        yield f"= {_named(stage_of(artifact), artifact.digest)}            in the release itself"
    for one in done:
        yield from _stage(one)
    yield ""
    yield conclusion(done)


def title_of(evidence: Evidence) -> str:
    """Name a release: name, version, digest."""
    digest = digest_of_folder(evidence.folder)
    return shown(f"{evidence.index.name} {evidence.index.version}{f', {digest[:DIGITS]}' if digest else ''}")


def conclusion(done: Sequence[Done]) -> str:
    """Say what it comes to, in a line."""
    bad = next((each for each in done if each.outcome in (Outcome.DIFFERENT, Outcome.FAILED)), None)
    equal = sum(each.outcome is Outcome.EQUAL for each in done)
    alike = sum(each.outcome is Outcome.ALIKE for each in done)
    if bad is not None:
        what = "came out another way" if bad.outcome is Outcome.DIFFERENT else "failed"
        others = f", {alike} came out alike by other code" if alike else ""
        return f"NOT reproduced: {stage_of(bad.wanted)} {what}; {equal} of {len(done)} stages are equal{others}"
    if equal == len(done):
        return f"reproduced: all {len(done)} stages are equal, digest by digest"
    return (
        f"reproduced by OTHER CODE, which proves less: {equal} of {len(done)} stages are equal, digest by digest; "
        f"{alike} came out with the same files, options and meaning, made by other code, libraries or instructions, "
        "and with another digest. That the code of the evidence makes them is not proved"
    )


def duration(seconds: float) -> str:
    """Write a time for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _stage(done: Done) -> Iterator[str]:
    took = "earlier" if done.seconds is None else "" if done.outcome is Outcome.LEFT else f"{done.seconds:.1f} s"
    yield f"{done.outcome} {_named(stage_of(done.wanted), done.wanted.digest)}  {took:>8}  {_how(done)}".rstrip()
    yield from (f"      {shown(line)}" for line in done.told)


def _how(done: Done) -> str:
    made = f"; made was {done.digest[:DIGITS]}" if done.outcome is Outcome.DIFFERENT else ""
    return f"{EXPLAINED[done.outcome]}{made}"


def _named(stage: str, digest: str) -> str:
    return f"{padded(stage, STAGE)} {digest[:DIGITS]}"
