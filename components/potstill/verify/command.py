"""`potstill verify BUNDLE --key KEY`: the question, the answer, the exit code.

0: everything was proved. 1: something was not; all of it is said. 2: the question itself cannot be answered (no such
folder, no key, a policy that is none).
"""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from potstill.errors import OptionError, PotstillError
from potstill.one_line import one_line
from potstill.os_failures import explain
from potstill.signing.shown_path import refuse_secrets, shown_path
from potstill.verify.policy import Policy, read_policy
from potstill.verify.proof import Proof, in_json, in_words
from potstill.verify.proving import read_trusted, verify_bundle

PROVED, NOT_PROVED, NO_QUESTION = 0, 1, 2
UNREAD = 141  # that of a program whose reader went away: 128 + SIGPIPE
EXPLANATION = """\
Proves offline what a signed bundle is: who signed it, that no file of it was added, removed or changed, from what data,
teacher, code and images each model in it was made, under which licence, and with which verdict.

  potstill verify runs/bundle --key release.pub

One of --key and --ca must be given: a bundle does not vouch for its own signer.
"""
EXIT_CODES = """\
exit codes:
  0  everything is proved
  1  something is not proved; the last line counts how much
  2  the question cannot be answered (no such folder, nobody to trust, a policy that is none); one line says why
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; potstill verify --help teaches the command")


def main(arguments: list[str]) -> int:
    """Run `potstill verify …`; return the exit code."""
    try:
        refuse_secrets(arguments)
        asked = _parser().parse_args(arguments)
        proof = _answer(asked)
    except PotstillError as refused:
        return _refuse(str(refused))
    except OSError as failed:
        return _refuse(explain(failed, "potstill verify"))
    told = _print([in_json(proof)] if asked.json else in_words(proof))
    return (PROVED if proof.proved else NOT_PROVED) if told else UNREAD


def _answer(asked: argparse.Namespace) -> Proof:
    if not asked.key and not asked.ca:
        raise OptionError("nothing says whom to trust; give --key with a public key, or --ca with certificates")
    if not asked.bundle.is_dir():
        raise OptionError(
            f"{shown_path(asked.bundle)} does not exist or is not a folder; give the folder of a signed bundle"
        )
    policy = read_policy(asked.policy) if asked.policy else Policy()
    return verify_bundle(asked.bundle, read_trusted(asked.key, asked.ca), policy)


def _refuse(why: str) -> int:
    sys.stderr.write(f"potstill: error: {one_line(why)}\n")
    return NO_QUESTION


def _parser() -> _Parser:
    parser = _Parser(
        prog="potstill verify",
        description=EXPLANATION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder of a signed bundle")
    parser.add_argument(
        "--key",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="a public key to trust; may be repeated: one of them must have signed",
    )
    parser.add_argument(
        "--ca",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="certificates of authorities to trust, for a bundle that was signed under a certificate",
    )
    parser.add_argument("--policy", type=Path, metavar="TOML", help="what you ask of a release besides")
    parser.add_argument("--json", action="store_true", help="tell it to a program")
    return parser


def _print(lines: Iterable[str]) -> bool:
    """Print lines as they come; False where nobody reads on, as behind `head`."""
    try:
        for line in lines:
            sys.stdout.write(f"{_printable(line)}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed at the end
        return False
    return True


def _printable(line: str) -> str:
    """Write what the terminal's encoding lacks as Python writes it; a mark that it lacks becomes a word."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        line = line.replace("✓", "ok   ", 1).replace("✗", "WRONG", 1)
    return line.encode(encoding, "backslashreplace").decode(encoding)
