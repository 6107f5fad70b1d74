"""What the operating system refused (a full disk, a file that may not be read), in one line."""

import re
import shutil

NUMBER = re.compile(r"^.*\[errno \d+\] |\s*\(os error \d+\)", re.IGNORECASE)
FULL = "No space left on device"


def explain(failed: OSError, where: str) -> str:
    """Say which file it was, what the system said, and for a full disk the way out.

    Args:
        failed: the error.
        where: what was being done, for an error that names no file.
    """
    place, reason = _of_copies(failed) if isinstance(failed, shutil.Error) else _of_file(failed)
    way_out = "; free some space, or write to another disk" if FULL in reason else ""
    return f"{place or where}: {NUMBER.sub('', reason)}{way_out}"


def _of_file(failed: OSError) -> tuple[str, str]:
    # Of a copy the second name is the one that was written.
    return str(failed.filename2 or failed.filename or ""), failed.strerror or str(failed)


def _of_copies(failed: shutil.Error) -> tuple[str, str]:
    """Of a folder that could not be copied, Python gives a list of (from, to, why); the first tells enough."""
    given = failed.args[0]
    if not isinstance(given, list):
        return "", str(given)
    _, target, reason = given[0]
    return str(target), str(reason).partition(": '")[0]
