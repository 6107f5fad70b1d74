"""Work on many files at once: a store answers each request late, and many of them no later."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from potstill.progress import progress

T = TypeVar("T")
R = TypeVar("R")
THREADS = 8  # as many connections as botocore keeps open are ten


def side_by_side(work: Callable[[T], R], items: Sequence[T], what: str) -> list[R]:
    """Do the same to every item, several at a time; where one fails, no other is begun.

    Args:
        work: what is done to each.
        items: the items.
        what: what is being done, for the bar.

    Returns: what came of them, in the order in which they ended.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        begun = [threads.submit(work, each) for each in items]
        try:
            return [each.result() for each in progress(as_completed(begun), what, len(begun), "file")]
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
