"""`potstill <stage> …`: every stage on the command line, generated from its function and its options."""

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import tyro

import potstill
from potstill.arguments import WORDS, parse
from potstill.commands import COMMANDS, COREML, EVIDENCE, GROUPS, IMPORTS, OFFLINE, READERS, STAGES, VERDICTS
from potstill.errors import OptionError, PotstillError
from potstill.interrupts import STOPPED, stop_by_exception, stop_no_more
from potstill.measure.measures import Measures
from potstill.one_line import one_line
from potstill.os_failures import explain
from potstill.progress import speaks
from potstill.signing.shown_path import refuse_secrets

REFUSED = 2  # the exit code
LONGEST = 30  # characters of a word that is shown; no command has as many, and a part of a key has more
UNREAD = 141  # that of a program whose reader went away: 128 + SIGPIPE
FUNCTIONS = (tyro.conf.OmitArgPrefixes, tyro.conf.HelptextFromCommentsOff)
STAGE_OPTIONS = (*FUNCTIONS, tyro.conf.FlagConversionOff)  # true and false are written out, as in a pipeline
READER_OPTIONS = (*FUNCTIONS, tyro.conf.FlagCreatePairsOff)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 different (diff), 2 refused (a line on stderr), 130 stopped."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if given[0] in ("-h", "--help"):
        print(_map())
        return 0
    if given[0] == "--version":
        print(f"potstill {potstill.__version__}")
        return 0
    return _run(given)


def _run(given: list[str]) -> int:
    reader = next((name for name in (" ".join(given[:2]), given[0]) if name in READERS), "")
    if reader:
        return run_reader(reader, given[len(reader.split()) :])
    if given[0] in OFFLINE:
        return int(import_module(OFFLINE[given[0]][0]).main(given[1:]))
    if given[0] in GROUPS:
        return _group_help(given)
    if given[0] in COMMANDS:
        return run_stage(given[0], given[1:])
    return _unknown(given, given[0], _first_words())


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

    return _attempt(name, run)


def run_reader(name: str, arguments: Sequence[str]) -> int:
    """Run a command that reads and tells; return the exit code."""

    def run() -> int:
        told = _call(name, READERS[name], arguments, config=READER_OPTIONS)()
        return int(told.code) if _printed(told.lines) else UNREAD

    return _attempt(name, run)


def _group_help(given: Sequence[str]) -> int:
    """Teach the commands of a group, or refuse what is none of them."""
    group, word = (*given, "--help")[:2]
    commands, about = GROUPS[group]
    if word not in ("-h", "--help"):
        return _unknown(given, f"{group} {word}", commands)
    print(
        f"usage: potstill {group} COMMAND [--help] …\n\n{about}\n\n{_rows(commands)}\n\n"
        f"potstill {group} COMMAND --help teaches a command."
    )
    return 0


def _unknown(given: Sequence[str], words: str, commands: Iterable[str]) -> int:
    """Refuse what is no command; whoever passed a key there must not find it in a log."""
    try:
        refuse_secrets([*given, " ".join(given)])  # a shell may have made words of a key's lines
    except OptionError as refused:
        return _refuse(str(refused))
    named = repr(words) if len(words) <= LONGEST else f"what was given, of {len(words)} characters,"
    return _refuse(f"{named} is not a command; commands are: {', '.join(commands)}")


def _first_words() -> list[str]:
    return list(dict.fromkeys(name.split()[0] for name in (*COMMANDS, *READERS, *OFFLINE)))


def _printed(lines: Iterable[str]) -> bool:
    """Print lines as they come; False where nobody reads on, as behind `head`."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed at the end
        return False
    return True


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


def _attempt(name: str, run: Callable[[], int]) -> int:
    """Run, and turn what is refused into one line and an exit code."""
    try:
        return run()
    except OptionError as refused:  # in every process alike, so one of them tells it
        return _refuse(str(refused)) if speaks() else REFUSED
    except PotstillError as refused:
        return _refuse(str(refused))
    except OSError as failed:  # a full disk, a file that may not be read
        return _refuse(explain(failed, name))
    except KeyboardInterrupt:
        stop_no_more()
        print("potstill: stopped; run the same command again", file=sys.stderr)
        return STOPPED


def _explanation(stage: Callable[..., Any]) -> str:
    """The stage's docstring up to its arguments, which the options below explain themselves."""
    return (inspect.getdoc(stage) or "").partition("\nArgs:")[0].strip()


def _refuse(why: str) -> int:
    print(f"potstill: error: {one_line(str(why))}", file=sys.stderr)
    return REFUSED


def _rows(commands: Mapping[str, tuple[str, ...]]) -> str:
    return "\n".join(f"  {name:<18} {each[-1]}" for name, each in commands.items())


def _map() -> str:
    return (
        "usage: potstill COMMAND [--help] …\n\n"
        "potstill distils a large text classifier down to a phone. Each stage reads sealed folders and writes one.\n\n"
        f"stages, in the order of the path:\n{_rows(STAGES)}\n\n"
        f"what comes before them:\n{_rows(IMPORTS)}\n\n"
        f"what reads verdicts and compares releases:\n{_rows(VERDICTS)}\n\n"
        f"what an auditor and a release manager ask of a bundle:\n{_rows(OFFLINE)}\n{_rows(EVIDENCE)}\n\n"
        f"what looks at Core ML packages:\n{_rows(COREML)}\n\n"
        "potstill COMMAND --help teaches a command; python -m potstill.<stage> is the same, in a container."
    )
