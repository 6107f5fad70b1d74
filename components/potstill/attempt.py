"""How every command ends: what is refused becomes one line and an exit code; so does a package that is not there."""

import sys
from collections.abc import Callable

from potstill.errors import OptionError, PotstillError
from potstill.interrupts import STOPPED, stop_no_more
from potstill.os_failures import explain
from potstill.ranks import speaks
from potstill.screen import REFUSED, refuse

EXTRAS = {
    "coreml": "coreml-export",
    "import-checkpoint": "teacher-train",
    "import-data": "tokenize",
    "releases": "publish",
    "reproduce": "all",
}
"""What to install for a command, by its first word; the extra of a stage is called as the stage."""
ALONE = ("keys", "lineage", "verify")  # they need cryptography, and nothing else


def attempt(name: str, run: Callable[[], int]) -> int:
    """Run a command.

    Args:
        name: of the command.
        run: does it, and returns its exit code.

    Returns: the command's exit code; 2 where it is refused, 130 where it is stopped.
    """
    try:
        return run()
    except OptionError as refused:  # in every process alike, so one of them tells it
        return refuse(str(refused)) if speaks() else REFUSED
    except PotstillError as refused:
        return refuse(str(refused))
    except ModuleNotFoundError as absent:
        return refuse(_not_installed(absent, name))
    except OSError as failed:  # a full disk, a file that may not be read
        return refuse(explain(failed, name))
    except KeyboardInterrupt:
        stop_no_more()
        print("potstill: stopped; run the same command again", file=sys.stderr)  # noqa: T201 - it talks to a terminal
        return STOPPED


def _not_installed(absent: ModuleNotFoundError, name: str) -> str:
    """Say what to install; a module of potstill's own that is missing is a fault of ours."""
    package = (absent.name or "").partition(".")[0]
    if package in ("", "potstill"):
        raise absent
    first = name.partition(" ")[0]
    wanted = "cryptography" if first in ALONE else f"'./potstill[{EXTRAS.get(first, first)}]'"
    return f"potstill {name} needs {package}, which is not installed; pip install {wanted}"
