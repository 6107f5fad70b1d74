"""A small signed bundle of each form of the evidence, committed, which every later version of potstill must prove.

`python -m tests.golden_bundle` makes the one of today's form, and refuses where it lies already: a bundle that is made
again tells whether potstill proves what it makes today, and nothing of what somebody released years ago. Its private
key is thrown away, so that nobody, not even who made it, can sign another in its place.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from potstill.evidence.layout import FORMAT
from tests.released import RESEARCH
from tests.signed import make_bundle

GOLDEN = Path(__file__).parent / "golden"
BUNDLES = {1: GOLDEN / "bundle"}  # format, as release.json says it → the bundle; its public key lies beside it
BYTES = 64  # of each file of weights: what is kept for ever may well be small


def public_of(bundle: Path) -> Path:
    """The file of the public key that a golden bundle is signed with."""
    return bundle.with_suffix(".pub")


def keep_bundle(bundle: Path) -> None:
    """Make a bundle, and keep of its key the public half alone.

    Args:
        bundle: its folder, which must not be there.

    Raises:
        FileExistsError: it is, or its public key is.
    """
    for each in (bundle, public_of(bundle)):
        if each.exists():
            raise FileExistsError(f"{each} is there, and a golden bundle is never made again")
    with TemporaryDirectory() as folder:
        # Not every licence in it is open: the words that warn of that must be proved as they stood, too.
        made, public = make_bundle(Path(folder), name="golden", size=BYTES, start=RESEARCH)
        shutil.copytree(made, bundle)
        shutil.copyfile(public, public_of(bundle))


def main() -> int:
    """Make the golden bundle of today's form; → the exit code."""
    try:
        keep_bundle(BUNDLES[FORMAT])
    except KeyError:
        sys.stderr.write(f"the evidence has format {FORMAT}: name its bundle in {__file__}, beside the older ones\n")
        return 2
    except FileExistsError as there:
        sys.stderr.write(f"{there}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
