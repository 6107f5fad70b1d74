"""`potstill keys new|show`: a key to sign with, and the public half that goes to those who verify."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from potstill.errors import OptionError, PotstillError
from potstill.one_line import one_line
from potstill.os_failures import explain
from potstill.signing.keys import (
    CURVES,
    PASSPHRASE,
    PRIVATE,
    curve_of,
    key_id,
    new_key,
    public_path,
    public_pem,
    read_pem,
    read_private,
    read_public,
)
from potstill.signing.shown_path import refuse_secrets

REFUSED = 2  # the exit code


class _Parser(ArgumentParser):
    """Refuses in one line, as all of potstill does."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; --help lists the options")


def main(arguments: Sequence[str]) -> int:
    """Run `potstill keys …`; return the exit code: 0 done, 2 refused."""
    try:
        refuse_secrets(arguments)
        given = _parser().parse_args(list(arguments) or ["--help"])
        lines = given.run(given)
    except PotstillError as refused:
        return _refuse(str(refused))
    except OSError as failed:
        return _refuse(explain(failed, "keys"))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _parser() -> ArgumentParser:
    parser = _Parser(prog="potstill keys", description="Keys to sign releases with: elliptic curves, in PEM files.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    new = commands.add_parser(
        "new",
        help="make a key",
        description="Make a private key for its owner alone, and its public half beside it as .pub. "
        f"Where {PASSPHRASE} is set, the private key is encrypted with it.",
    )
    new.add_argument("key", type=Path, metavar="KEY", help="file of the private key; it must not exist")
    new.add_argument("--curve", default="P-256", metavar="CURVE", help=f"{', '.join(CURVES)}; default P-256")
    new.set_defaults(run=_new)
    show = commands.add_parser(
        "show",
        help="print the public half of a key",
        description="Print the public half of a private or a public key, and its id: what stands in a signature, and "
        "what its owner reads out to those who verify. The output is itself a public key's file.",
    )
    show.add_argument("key", type=Path, metavar="KEY", help="file of a private or a public key")
    show.set_defaults(run=_show)
    return parser


def _new(given: Namespace) -> list[str]:
    public = new_key(given.key, given.curve)
    return [
        f"private {given.key}: sign with it, and give it to nobody",
        f"public  {public_path(given.key)}: give it to those who verify",
        f"id      {key_id(public)}",
    ]


def _show(given: Namespace) -> list[str]:
    private = PRIVATE in read_pem(given.key, "a key")
    public = read_private(given.key).public_key() if private else read_public(given.key)
    return [f"{curve_of(public)} {key_id(public)}", public_pem(public).decode("ascii").rstrip()]


def _refuse(why: str) -> int:
    print(f"potstill: error: {one_line(why)}", file=sys.stderr)  # noqa: T201 - it talks to a terminal
    return REFUSED
