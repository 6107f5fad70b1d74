"""What a command that reads and compares says, and how it ends."""

from collections.abc import Iterable
from dataclasses import dataclass

SAME, DIFFERENT = 0, 1  # exit codes; DIFFERENT: what was compared is not the same, or worse. 2 is a refusal


@dataclass(frozen=True)
class Told:
    """What a command says, line by line, and the exit code that it ends with."""

    lines: Iterable[str]
    code: int = SAME
