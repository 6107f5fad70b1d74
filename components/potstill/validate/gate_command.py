"""`potstill validate gate`: the gate of a shell or a CI job, that reads a verdict which validate has written."""

from pathlib import Path
from typing import Annotated

from pydantic import ValidationError
from tyro.conf import Positional, arg

from potstill.errors import InputError, VerdictError
from potstill.one_line import refused_in_one_line
from potstill.told import DIFFERENT, SAME, Told
from potstill.validate.budgets.verdict import Verdict
from potstill.validate.gate import require_pass


@refused_in_one_line()
def gate_verdict(verdict: Annotated[Positional[Path], arg(metavar="VERDICT")]) -> Told:
    """Let a passed model through: the exit code is 0 for a pass, 1 for anything else, 2 for what is no verdict.

      potstill validate gate runs/report.verdict.json && upload runs/package

    Args:
        verdict: the `.verdict.json` that validate wrote beside its report; of a pipeline's run, verdict.json.

    Raises:
        InputError: no such file, or no verdict in it.
    """
    found = read_verdict(verdict)
    try:
        require_pass(found.verdict, "\n".join(found.failures))
    except VerdictError as refused:
        return Told(str(refused).splitlines(), DIFFERENT)
    return Told([f"pass: {found.final} meets all budgets; report {found.report}"], SAME)


def read_verdict(path: Path) -> Verdict:
    """Read a verdict.

    Raises:
        InputError: no such file, or no verdict in it.
    """
    try:
        return Verdict.model_validate_json(path.read_bytes())
    except OSError as broken:
        raise InputError(f"{path} cannot be read: {broken.strerror}; give a .verdict.json of validate") from None
    except ValidationError as broken:
        first = broken.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise InputError(f"{path} is no verdict of validate: {place}: {first['msg']}") from None
