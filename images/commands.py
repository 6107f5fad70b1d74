"""Commands of this folder: each ends with its exit code, and a refusal is one line and code 2."""

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from potstill.arguments import parse
from potstill.errors import InputError, PotstillError
from potstill.interrupts import STOPPED, stop_by_exception, stop_no_more
from potstill.one_line import one_line
from potstill.os_failures import explain
from potstill.told import Told


def run(program: str, command: Callable[..., Told], arguments: Sequence[str]) -> int:
    """Run a command on its arguments, print what it says, and return the exit code.

    Args:
        program: its name, for the help.
        command: its signature and docstring are the options and their help.
        arguments: as on the command line.
    """
    try:
        call: Callable[[], Any] = parse(command, prog=program, args=arguments)
        stop_by_exception()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends what it runs, too
        told = call()
        for line in told.lines:
            print(line)
    except PotstillError as refused:
        return _refuse(str(refused))
    except OSError as failed:
        return _refuse(str(InputError(explain(failed, program))))
    except KeyboardInterrupt:
        stop_no_more()
        print("potstill: stopped", file=sys.stderr)
        return STOPPED
    return int(told.code)


def _refuse(why: str) -> int:
    print(f"potstill: error: {one_line(why)}", file=sys.stderr)
    return 2
