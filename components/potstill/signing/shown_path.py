"""Paths where a key might stand: whoever passes the key itself must not find it in a log.

`--key "$(cat release.key)"` in place of `--key release.key` is one slip, and a message that names the missing file
would print the key for everybody who reads the job's output.
"""

import os
import re
from collections.abc import Iterable

from potstill.errors import OptionError

KEY_ITSELF = "what was given is a key itself, and no path to one"
BEGIN, END = "-----BEGIN", "-----END"  # of any PEM text
PRIVATE = "PRIVATE KEY"
SHORTEST = 60  # characters of a line; PEM breaks at 64, and the text of the smallest key has 160 in one line
BASE64 = re.compile(rf"(?:[A-Za-z0-9+/]{{{SHORTEST},}}\s+)*[A-Za-z0-9+/]+=*")
DIGEST = re.compile(r"[0-9a-f]+|[0-9A-F]+")


def shown_path(value: object) -> str:
    """Return a path as messages show it; of what is a key and no path, only that it is one."""
    return KEY_ITSELF if is_key_itself(value) else str(value)


def refuse_key_itself(value: object) -> None:
    """Refuse a key in place of its path, before any message or file is named by it.

    Raises:
        OptionError: it is a key.
    """
    if is_key_itself(value):
        raise _refusal()


def refuse_secrets(arguments: Iterable[str]) -> None:
    """Refuse a command line that holds a private key, before anything tells what is wrong with its arguments.

    Args:
        arguments: each is looked at whole, and for what follows its `=`. A public key's text may stand there.

    Raises:
        OptionError: one of them is a private key, or the inner lines of one.
    """
    if any(PRIVATE in each or _is_body(each) or _is_body(each.partition("=")[2]) for each in arguments):
        raise _refusal()


def is_key_itself(value: object) -> bool:
    """Tell whether what was given as a path is a key, a certificate, or a part of one."""
    text = str(value)
    return BEGIN in text or END in text or any(map(_is_body, (text, *text.splitlines())))


def _refusal() -> OptionError:
    return OptionError(f"{KEY_ITSELF}; keep it in a file that you alone may read, and pass the path of that file")


def _is_body(text: str) -> bool:
    """Tell whether it is a key's text without its first and last line: long, base64, and the name of nothing."""
    text = text.strip()
    if len(text) < SHORTEST or DIGEST.fullmatch(text) or not BASE64.fullmatch(text):
        return False
    longest = max(text.split(), key=len)
    return len(longest) >= SHORTEST and longest.lower() != longest != longest.upper() and not _names_something(text)


def _names_something(text: str) -> bool:
    try:
        return os.path.lexists(text)
    except (OSError, ValueError):
        return False
