"""Command lines from functions: options, help and types from the signature, and every refusal in one line."""

import io
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from functools import partial, wraps
from typing import Any

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from potstill.errors import OptionError
from potstill.signing.shown_path import BEGIN, refuse_secrets

BOX = re.compile(r"^[╭╰│├─╮╯┤\s]+|[╭╰│├─╮╯┤\s]+$")
RULE = re.compile(r"^│ ─+ │$")
TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
WORDS = ConstructorRegistry()
"""How values are read that tyro reads more narrowly: true and false in any case, as cards have them."""


@WORDS.primitive_rule
def _truth(kind: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[bool] | None:
    if kind.type is not bool:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="{true,false}",
        instance_from_str=lambda given: _read_truth(given[0]),
        is_instance=lambda value: isinstance(value, bool),
        str_from_instance=lambda value: [str(value).lower()],
    )


def _read_truth(given: str) -> bool:
    if given.lower() not in TRUTH:
        raise ValueError(f"wanted is true or false, got {given!r}")
    return TRUTH[given.lower()]


def parse(function: Callable[..., Any], **settings: Any) -> Callable[[], Any]:
    """Parse a command line for a function.

    Args:
        function: its signature and docstring are the options and their help.
        settings: what `tyro.cli` takes: prog, description, args, config.

    Returns: the call that the command line asks for.

    Raises:
        OptionError: an unknown or missing option, a value of a wrong type, an argument that is not UTF-8, or a
            private key where its path was wanted.
        SystemExit: with code 0, after `--help`.
    """

    @wraps(function)
    def later(*arguments: Any, **named: Any) -> Callable[[], Any]:
        return partial(function, *arguments, **named)

    arguments = sys.argv[1:] if settings.get("args") is None else settings["args"]
    _refuse_bytes(arguments)
    refuse_secrets(arguments)
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            call: Callable[[], Any] = tyro.cli(later, **{**settings, "args": _joined(arguments)})
    except SystemExit as ended:
        if not ended.code:
            raise
        raise OptionError(one_line(said.getvalue())) from None
    return call


def _refuse_bytes(arguments: Sequence[str]) -> None:
    """Refuse what Python could not decode: no library takes it for a path, and no terminal prints it."""
    broken = next((each for each in arguments if any("\ud800" <= letter <= "\udfff" for letter in each)), None)
    if broken is not None:
        shown = ascii(broken.encode("utf-8", "surrogateescape"))[2:-1]
        raise OptionError(f"{shown} is not UTF-8; rename it, or pass it in UTF-8")


def _joined(arguments: Sequence[str]) -> list[str]:
    """Take a PEM text for its option's value: it begins with dashes, and would be taken for an option itself."""
    joined: list[str] = []
    for each in arguments:
        if each.startswith(BEGIN) and joined and re.fullmatch(r"--[a-z][^=]*", joined[-1]):
            joined[-1] += f"={each}"
        else:
            joined.append(each)
    return joined


def one_line(box: str) -> str:
    """Take the message out of the box that tyro draws: its title and its helptext are left out."""
    lines = [line.strip() for line in box.splitlines() if line.strip()][1:]
    end = next((place for place, line in enumerate(lines) if RULE.match(line)), len(lines))
    return (
        " ".join(filter(None, (BOX.sub("", line) for line in lines[:end]))).rstrip(".") + "; --help lists the options"
    )
