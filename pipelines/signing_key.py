"""The key that a run on this machine signs with, asked for before hours of work are done."""

import os
from pathlib import Path

from potstill.errors import OptionError
from potstill.signing.keys import KEY, read_private


def require_key() -> None:
    """Refuse a run that could not sign its release at the end.

    Raises:
        OptionError: nothing names a key's file.
        PotstillError: the file holds no key that signs.
    """
    named = os.environ.get(KEY, "")
    if not named:
        raise OptionError(
            f"release_name asks for a signed bundle, and {KEY} names no key; "
            f"make one with `potstill keys new release.key`, and set {KEY}=release.key"
        )
    read_private(Path(named))
    os.environ[KEY] = str(Path(named).resolve())  # steps may run in another folder
