"""A damaged package, said in one line: whatever its damage makes fail, a person reads where it lies."""

from collections.abc import Iterator
from contextlib import contextmanager

from potstill.errors import DamagedError

# What Python, numpy, torch and the operators raise for values that they do not take.
FAILURES = (ValueError, LookupError, RuntimeError, TypeError, ArithmeticError, AttributeError)


@contextmanager
def damage_at(place: str) -> Iterator[None]:
    """Read a package here: what fails with none of our own errors is damage, and `place` says where.

    Raises:
        DamagedError: in place of the failure, which it is chained to.
    """
    try:
        yield
    except (*FAILURES, AssertionError) as failure:
        raise DamagedError(
            f"{place} is damaged ({type(failure).__name__}: {line(failure)}); export it again"
        ) from failure


def line(failure: Exception) -> str:
    """Return the first line of what a failure says, or its type where it says nothing."""
    return str(failure).strip().splitlines()[0] if str(failure).strip() else type(failure).__name__
