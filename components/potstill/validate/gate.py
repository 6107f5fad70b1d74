"""The gate: the one step that fails a run whose model does not meet its budgets."""

from typing import Final

from potstill.errors import VerdictError

PASS: Final = "pass"  # noqa: S105 - a verdict
FAIL: Final = "fail"
INCONCLUSIVE: Final = "inconclusive"
SAID = {
    INCONCLUSIVE: (
        "the verdict is 'inconclusive', which is not a pass: too few test rows to tell whether these budgets are met"
    ),
}


def require_pass(verdict: str, failures: str) -> None:
    """Let a passed model through.

    Args:
        verdict: "pass", "fail" or "inconclusive", from validate.
        failures: one budget a line that is not met or not decided, from validate.

    Raises:
        VerdictError: the verdict is anything but "pass"; the message names each such budget in a line of its own, with
            the number of rows that would decide where there are too few.
    """
    if verdict != PASS:
        lines = [f"  {line}" for line in failures.splitlines() if line]
        said = SAID.get(verdict, f"the verdict is {verdict!r}; budgets that are not met")
        raise VerdictError("\n".join([f"{said}:", *lines]))
