"""Command lines from functions: options, help and types from the signature, and every refusal in one line."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial, wraps
from typing import Any

import tyro

from potstill.errors import OptionError

BOX = re.compile(r"^[╭╰│├─╮╯┤\s]+|[╭╰│├─╮╯┤\s]+$")
RULE = re.compile(r"^│ ─+ │$")


def parse(function: Callable[..., Any], **settings: Any) -> Callable[[], Any]:
    """Parse a command line for a function.

    Args:
        function: its signature and docstring are the options and their help.
        settings: what `tyro.cli` takes: prog, description, args, config.

    Returns: the call that the command line asks for.

    Raises:
        OptionError: an unknown or missing option, or a value of a wrong type.
        SystemExit: with code 0, after `--help`.
    """

    @wraps(function)
    def later(*arguments: Any, **named: Any) -> Callable[[], Any]:
        return partial(function, *arguments, **named)

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            call: Callable[[], Any] = tyro.cli(later, **settings)
    except SystemExit as ended:
        if not ended.code:
            raise
        raise OptionError(one_line(said.getvalue())) from None
    return call


def one_line(box: str) -> str:
    """Take the message out of the box that tyro draws: its title and its helptext are left out."""
    lines = [line.strip() for line in box.splitlines() if line.strip()][1:]
    end = next((place for place, line in enumerate(lines) if RULE.match(line)), len(lines))
    return (
        " ".join(filter(None, (BOX.sub("", line) for line in lines[:end]))).rstrip(".") + "; --help lists the options"
    )
