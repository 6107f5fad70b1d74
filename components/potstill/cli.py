"""`potstill …`: which command is meant. Of what must be installed, this needs nothing: each command loads its own."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module

import potstill
from potstill.attempt import attempt
from potstill.commands import COMMANDS, COREML, EVIDENCE, GROUPS, IMPORTS, OFFLINE, READERS, STAGES, VERDICTS
from potstill.errors import OptionError
from potstill.screen import print_lines
from potstill.signing.shown_path import refuse_secrets

LONGEST = 30  # characters of a word that is shown; no command has as many, and a part of a key has more
GENERATED = "potstill.generated"
KNOWN = (*COMMANDS, *READERS, *OFFLINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 different (diff), 2 refused (a line on stderr), 130 stopped."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    name = next((each for each in (" ".join(given[:2]), given[0]) if each in KNOWN), "")
    return attempt(name or "command", lambda: _run(name, given))


def _run(name: str, given: list[str]) -> int:
    rest = given[len(name.split()) :]
    if name in OFFLINE:
        return int(import_module(OFFLINE[name][0]).main(rest))
    if name in READERS:
        return int(import_module(GENERATED).run_reader(name, rest))
    if name in COMMANDS:
        return int(import_module(GENERATED).run_stage(name, rest))
    return print_lines(_told(given))


def _told(given: Sequence[str]) -> list[str]:
    """Answer what is no command that does something."""
    if given[0] in ("-h", "--help"):
        return [_map()]
    if given[0] == "--version":
        return [f"potstill {potstill.__version__}"]
    if given[0] in GROUPS:
        return [_group_help(given)]
    raise _unknown(given, given[0], _first_words())


def _group_help(given: Sequence[str]) -> str:
    """Teach the commands of a group, or refuse what is none of them."""
    group, word = (*given, "--help")[:2]
    commands, about = GROUPS[group]
    if word not in ("-h", "--help"):
        raise _unknown(given, f"{group} {word}", commands)
    return (
        f"usage: potstill {group} COMMAND [--help] …\n\n{about}\n\n{_rows(commands)}\n\n"
        f"potstill {group} COMMAND --help teaches a command."
    )


def _unknown(given: Sequence[str], words: str, commands: Iterable[str]) -> OptionError:
    """Say what is no command; whoever passed a key there must not find it in a log."""
    refuse_secrets([*given, " ".join(given)])  # a shell may have made words of a key's lines
    named = repr(words) if len(words) <= LONGEST else f"what was given, of {len(words)} characters,"
    return OptionError(f"{named} is not a command; commands are: {', '.join(commands)}")


def _first_words() -> list[str]:
    return list(dict.fromkeys(name.split()[0] for name in KNOWN))


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
