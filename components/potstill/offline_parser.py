"""How the commands that need no package but cryptography read their options."""

from argparse import ArgumentParser
from typing import NoReturn

from potstill.errors import OptionError


class OfflineParser(ArgumentParser):
    """Refuses in one line, as all of potstill does."""

    def error(self, message: str) -> NoReturn:
        """Refuse an option, or the lack of one."""
        raise OptionError(f"{message}; {self.prog} --help teaches the command")
