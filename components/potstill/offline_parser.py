"""How the commands that need no package but cryptography read their options."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from potstill.errors import OptionError


class OfflineParser(ArgumentParser):
    """Refuses in one line, as all of potstill does."""

    def error(self, message: str) -> NoReturn:
        """Refuse an option, or the lack of one."""
        raise OptionError(f"{message}; {self.prog} --help teaches the command")


def path_of(what: str) -> Callable[[str], Path]:
    """Read an argument as the path of something; an empty one would be the folder in which this runs."""

    def read(given: str) -> Path:
        if not given:
            raise ArgumentTypeError(f"no {what} is named")
        return Path(given)

    return read
