"""The gate: the one step that fails a run whose model does not meet its budgets."""

from potstill.errors import VerdictError

PASS, FAIL = "pass", "fail"


def require_pass(verdict: str, failures: str) -> None:
    """Let a passed model through.

    Args:
        verdict: "pass" or "fail", from validate.
        failures: one failed budget a line, from validate.

    Raises:
        VerdictError: the verdict is anything but "pass"; the message names each failed budget in a line of its own.
    """
    if verdict != PASS:
        lines = [f"  {line}" for line in failures.splitlines() if line]
        raise VerdictError("\n".join([f"the verdict is {verdict!r}; budgets that are not met:", *lines]))
