"""Commands whose options are generated from a function's signature: the stages, and what reads and tells."""

import inspect
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import tyro

from potstill.arguments import WORDS, parse
from potstill.attempt import attempt
from potstill.commands import COMMANDS, READERS
from potstill.interrupts import stop_by_exception
from potstill.measure.measures import Measures
from potstill.ranks import speaks
from potstill.screen import print_lines

FUNCTIONS = (tyro.conf.OmitArgPrefixes, tyro.conf.HelptextFromCommentsOff)
STAGE_OPTIONS = (*FUNCTIONS, tyro.conf.FlagConversionOff)  # true and false are written out, as in a pipeline
READER_OPTIONS = (*FUNCTIONS, tyro.conf.FlagCreatePairsOff)


def show(measures: Measures) -> None:
    """Print what a stage measured, a line each."""
    if speaks():
        for key, value in measures.items():
            print(f"{key:>32}  {value:{'.0f' if float(value).is_integer() else '.6g'}}")


def run_stage(name: str, arguments: Sequence[str] | None = None, report: Callable[[Measures], None] = show) -> int:
    """Parse the arguments of one stage, run it and hand what it measured to `report`; return the exit code."""

    def run() -> int:
        report(_call(name, COMMANDS[name], arguments, config=STAGE_OPTIONS, registry=WORDS)())
        return 0

    return attempt(name, run)


def run_reader(name: str, arguments: Sequence[str]) -> int:
    """Run a command that reads and tells; return the exit code."""

    def run() -> int:
        told = _call(name, READERS[name], arguments, config=READER_OPTIONS)()
        return print_lines(told.lines, told.code)

    return attempt(name, run)


def _call(
    name: str, command: tuple[str, str, str], arguments: Sequence[str] | None, **settings: Any
) -> Callable[[], Any]:
    module, function, purpose = command
    work: Callable[..., Any] = getattr(import_module(module), function)
    call = parse(
        work,
        prog=f"potstill {name}",
        description=f"{purpose}\n\n{_explanation(work)}",
        args=sys.argv[1:] if arguments is None else arguments,
        **settings,
    )
    stop_by_exception()
    return call


def _explanation(stage: Callable[..., Any]) -> str:
    """The stage's docstring up to its arguments, which the options below explain themselves."""
    return (inspect.getdoc(stage) or "").partition("\nArgs:")[0].strip()
