"""`potstill verify BUNDLE --key KEY`: the question, the answer, the exit code.

0: everything was proved. 1: something was not; all of it is said. 2: the question itself cannot be answered (no such
folder, no key, a policy that is none), or the answer cannot be written.
"""

import argparse

from potstill.attempt import attempt
from potstill.errors import OptionError
from potstill.offline_parser import OfflineParser, path_of
from potstill.screen import print_lines
from potstill.signing.shown_path import refuse_secrets, shown_path
from potstill.verify.policy import Policy, read_policy
from potstill.verify.proof import Proof, in_json, in_words
from potstill.verify.proving import read_trusted, verify_bundle

PROVED, NOT_PROVED = 0, 1
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
  2  the question cannot be answered (no such folder, nobody to trust, a policy that is none), or
     the answer cannot be written; one line says why
"""


def main(arguments: list[str]) -> int:
    """Run `potstill verify …`; return the exit code."""
    return attempt("verify", lambda: _tell(arguments))


def _tell(arguments: list[str]) -> int:
    refuse_secrets(arguments)
    asked = _parser().parse_args(arguments)
    proof = _answer(asked)
    return print_lines([in_json(proof)] if asked.json else in_words(proof), PROVED if proof.proved else NOT_PROVED)


def _answer(asked: argparse.Namespace) -> Proof:
    if not asked.key and not asked.ca:
        raise OptionError("nothing says whom to trust; give --key with a public key, or --ca with certificates")
    if not asked.bundle.is_dir():
        raise OptionError(
            f"{shown_path(asked.bundle)} does not exist or is not a folder; give the folder of a signed bundle"
        )
    policy = read_policy(asked.policy) if asked.policy else Policy()
    return verify_bundle(asked.bundle, read_trusted(asked.key, asked.ca), policy)


def _parser() -> OfflineParser:
    parser = OfflineParser(
        prog="potstill verify",
        description=EXPLANATION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bundle", type=path_of("bundle"), metavar="BUNDLE", help="the folder of a signed bundle")
    parser.add_argument(
        "--key",
        type=path_of("key"),
        action="append",
        default=[],
        metavar="PEM",
        help="a public key to trust; may be repeated: one of them must have signed",
    )
    parser.add_argument(
        "--ca",
        type=path_of("authority"),
        action="append",
        default=[],
        metavar="PEM",
        help="certificates of authorities to trust, for a bundle that was signed under a certificate",
    )
    parser.add_argument("--policy", type=path_of("policy"), metavar="TOML", help="what you ask of a release besides")
    parser.add_argument("--json", action="store_true", help="tell it to a program")
    return parser
