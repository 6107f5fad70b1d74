"""What a check found: a sentence that is proved, or all that stands against it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from potstill.errors import PotstillError
from potstill.one_line import one_line
from potstill.os_failures import explain

Case = TypeVar("Case")


class UnseenError(PotstillError):
    """A check whose ground is missing: what it would look at could not be read. That is no proof, either."""


@dataclass(frozen=True)
class Finding:
    """What came of one check.

    Attributes:
        name: the check's name, for programs.
        said: one plain sentence: what is proved, or what is not.
        wrong: all that is wrong, a line each; empty where the sentence is proved.
        details: what a reader should know besides, a line each.
    """

    name: str
    said: str
    wrong: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def proved(self) -> bool:
        """Whether nothing stands against it."""
        return not self.wrong


@dataclass(frozen=True)
class Proved:
    """What a check's function returns: the sentence that it proves unless something is wrong."""

    said: str
    wrong: Sequence[str] = ()
    details: Sequence[str] = ()


def gathered(*parts: Iterable[str]) -> list[str]:
    """Gather the lines of several looks; one that cannot be finished adds why, and does not keep the others from it."""
    lines: list[str] = []
    for part in parts:
        try:
            lines.extend(part)
        except PotstillError as refused:
            lines.append(str(refused))
    return lines


@dataclass(frozen=True)
class Check(Generic[Case]):
    """One thing to prove.

    Attributes:
        name: for programs.
        claim: what is claimed, as a clause that follows "it is not proved that".
        prove: looks at the bundle.
    """

    name: str
    claim: str
    prove: Callable[[Case], Proved]

    def find(self, case: Case) -> Finding:
        """Look, and turn whatever a hostile bundle makes of it into lines: no proof is ever left by an exception."""
        try:
            proved = self.prove(case)
        except UnseenError as unseen:
            return self._open([str(unseen)])
        except PotstillError as refused:
            return self._open([str(refused)])
        except OSError as failed:
            return self._open([explain(failed, self.name)])
        except Exception as broken:  # noqa: BLE001 - evidence of a form that nobody thought of proves nothing
            return self._open([f"the evidence has a form that is not read: {type(broken).__name__}: {broken}"])
        wrong = [one_line(each) for each in proved.wrong]
        if wrong:
            return self._open(wrong)
        return Finding(self.name, one_line(proved.said), details=tuple(map(one_line, proved.details)))

    def _open(self, wrong: Sequence[str]) -> Finding:
        """Say all that is wrong, each of it once: rules that rest on the same ground lack it alike."""
        return Finding(self.name, f"It is not proved that {self.claim}.", tuple(dict.fromkeys(map(one_line, wrong))))
