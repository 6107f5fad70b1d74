"""`potstill keys new|show`: a key to sign with, and the public half that goes to those who verify."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from potstill.attempt import attempt
from potstill.errors import InputError
from potstill.offline_parser import OfflineParser, path_of
from potstill.os_failures import explain
from potstill.screen import print_lines
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


def main(arguments: Sequence[str]) -> int:
    """Run `potstill keys …`; return the exit code: 0 done, 2 refused."""
    return attempt("keys", lambda: _run(arguments))


def _run(arguments: Sequence[str]) -> int:
    refuse_secrets(arguments)
    given = _parser().parse_args(list(arguments) or ["--help"])
    return int(given.run(given))


def _parser() -> ArgumentParser:
    parser = OfflineParser(
        prog="potstill keys", description="Keys to sign releases with: elliptic curves, in PEM files."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    new = commands.add_parser(
        "new",
        help="make a key",
        description="Make a private key for its owner alone, and its public half beside it as .pub. "
        f"Where {PASSPHRASE} is set, the private key is encrypted with it.",
    )
    new.add_argument("key", type=path_of("key"), metavar="KEY", help="file of the private key; it must not exist")
    new.add_argument("--curve", default="P-256", metavar="CURVE", help=f"{', '.join(CURVES)}; default P-256")
    new.set_defaults(run=_new)
    show = commands.add_parser(
        "show",
        help="print the public half of a key",
        description="Print the public half of a private or a public key, and its id: what stands in a signature, and "
        "what its owner reads out to those who verify. The output is itself a public key's file.",
    )
    show.add_argument("key", type=path_of("key"), metavar="KEY", help="file of a private or a public key")
    show.set_defaults(run=_show)
    return parser


def _new(given: Namespace) -> int:
    public, place = new_key(given.key, given.curve), public_path(given.key)
    told = [
        f"private {given.key}: sign with it, and give it to nobody",
        f"public  {place}: give it to those who verify",
        f"id      {key_id(public)}",
    ]
    try:
        return print_lines(told)
    except OSError as failed:
        raise InputError(
            f"{explain(failed, 'keys')}; {given.key} and {place} are written; potstill keys show {place} tells the id"
        ) from failed


def _show(given: Namespace) -> int:
    private = PRIVATE in read_pem(given.key, "a key")
    public = read_private(given.key).public_key() if private else read_public(given.key)
    return print_lines([f"{curve_of(public)} {key_id(public)}", public_pem(public).decode("ascii").rstrip()])
