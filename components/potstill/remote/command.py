"""`python -m potstill.remote [--measures PLACE] <stage> …`: fetch, train in one process or several, publish."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from potstill.artifacts import CHECKPOINT, is_sealed
from potstill.errors import OptionError, PotstillError
from potstill.interrupts import stop_by_exception
from potstill.os_failures import explain
from potstill.progress import tell
from potstill.remote.folders import OUTPUTS, brought
from potstill.remote.places import write_file
from potstill.remote.workers import train
from potstill.store.folders import claim, publish

EXAMPLE = "python -m potstill.remote teacher-train --tokens s3://bucket/tokens --start s3://bucket/start --teacher …"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; wanted is {EXAMPLE}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a stage; return the exit code: the stage's own, or 2 after one line when a folder cannot be moved."""
    try:
        given = _parser().parse_args(sys.argv[1:] if arguments is None else arguments)
        stop_by_exception()
        with tempfile.TemporaryDirectory(prefix="potstill-") as scratch:
            return run(given.stage, given.arguments, given.measures, Path(scratch))
    except PotstillError as refused:
        return _refuse(str(refused))
    except OSError as failed:
        return _refuse(explain(failed, "potstill.remote"))


def run(stage: str, arguments: Sequence[str], measures: str, scratch: Path) -> int:
    """Bring the inputs, run the stage, and publish what it sealed; return the stage's exit code.

    The first process alone seals, so of several pods the one in which the output is sealed publishes it.

    Args:
        stage: a training stage's name, as on the command line.
        arguments: its options; folders may lie in a store.
        measures: place of a JSON file for what the stage measured; empty: none is written.
        scratch: an empty folder for what is fetched and made.

    Raises:
        InputError: a folder cannot be fetched or published.
        OptionError: a folder in a place that is not read.
    """
    local, output = brought(stage, arguments, scratch)
    measured = scratch / "measures.json"
    if output is not None and output.uri and os.environ.get("PET_NODE_RANK", "0") == "0":
        claim(output.uri, CHECKPOINT)  # a store that cannot be written is refused before the work
    code = train(stage, local, measured)
    if code == 0 and output is not None and is_sealed(output.folder):
        if output.uri:
            tell(f"publishing to {output.uri}")
            publish(output.folder, output.uri)
        if measures:
            write_file(measures, measured.read_bytes())
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m potstill.remote",
        allow_abbrev=False,
        description="Run a training stage on folders that lie in a store. Each folder is a path, or a URI that begins "
        "with s3://, minio:// (which means the same) or file://. Under PET_* variables, as Kubeflow Trainer sets them, "
        "several processes train together.",
    )
    parser.add_argument("--measures", default="", metavar="PLACE", help="a JSON file for what the stage measured")
    parser.add_argument("stage", choices=OUTPUTS, metavar="stage", help=", ".join(OUTPUTS))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the stage's own options; --help lists them")
    return parser


def _refuse(why: str) -> int:
    print(f"potstill: error: {why}", file=sys.stderr)
    return 2
