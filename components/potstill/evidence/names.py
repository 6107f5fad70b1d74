"""Names of files that every system can write, and that every reader reads alike.

Whoever makes a release, signs one and verifies one holds it to the same rule: nobody makes what nobody can verify.
"""

from collections.abc import Iterable, Iterator
from unicodedata import category, normalize

FORBIDDEN = '<>:"|?*\\'  # in a name on Windows
DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)
UNSEEN = ("Cc", "Cf", "Cn", "Co", "Zl", "Zp")  # control, format, unassigned, private, ends of lines and paragraphs
FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
SELECTORS = (("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef"))  # of another look of the character before


def name_offences(paths: Iterable[str]) -> Iterator[str]:
    """Name every path that not every system reads alike, a line each.

    Args:
        paths: of files, with slashes, inside one folder.
    """
    every = list(paths)
    for path in every:
        offence = next((said for part in path.split("/") if (said := _offence(part))), "")
        if offence:
            yield f"{path} is a name {offence}"
    yield from _collisions(every)
    folders = {above for path in every for above in _prefixes(path) if above != path}
    yield from (f"{path} is a file and a folder" for path in every if path in folders)


def _offence(part: str) -> str:
    """What is wrong with one part of a path; "" where nothing is."""
    if any(category(each) == "Cs" for each in part):
        return "that is not UTF-8"
    if any(_is_unseen(each) for each in part):
        return "with characters that nobody sees"
    if any(each in FORBIDDEN for each in part):
        return f"with one of {FORBIDDEN}, which not every system can write"
    if part.endswith((".", " ")) or not part:
        return "that is empty, or ends with a dot or a space, which not every system keeps"
    if part.partition(".")[0].rstrip().casefold() in DEVICES:
        return "of a device on Windows"
    return ""


def _is_unseen(character: str) -> bool:
    kind = category(character)
    blank = kind == "Zs" and character != " "
    selects = any(first <= character <= last for first, last in SELECTORS)
    return kind in UNSEEN or blank or selects or character in FILLERS


def _collisions(names: Iterable[str]) -> Iterator[str]:
    """Refuse names that are one name where capitals or the composition of accents do not count, as on a Mac."""
    seen: dict[str, str] = {}
    for path in sorted({part for name in names for part in _prefixes(name)}):
        first = seen.setdefault(normalize("NFC", normalize("NFD", path).casefold()), path)
        if first != path:
            yield f"{first} and {path} are one name where capitals or accents are not told apart"


def _prefixes(name: str) -> Iterator[str]:
    """Yield a path and every folder that it is in."""
    parts = name.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
