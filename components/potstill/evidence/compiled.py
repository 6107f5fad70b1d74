"""In which image each executor of a compiled pipeline runs, read line by line.

Who verifies has no YAML library. KFP writes one form: a key a line, two blanks a level, every executor's name,
`container` and `image` at a level of their own, and text that goes on further to the right. That form alone is read:
what another reader could take for something else (a key twice, in quotes or in braces, a text's line that looks like a
key) is refused, and a comment says nothing. A test holds this reader against a YAML library on every pipeline of ours.
"""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from potstill.errors import InputError
from potstill.evidence.layout import PIPELINE
from potstill.evidence.shape import shown

BREAKS: Final = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")  # end a line for some readers
TOP: Final = re.compile(r"---|[A-Za-z]+:( [\w.:/-]+)?")
KEYS: Final = ("components", "deploymentSpec", "pipelineInfo", "root", "schemaVersion", "sdkVersion")
OPTIONAL: Final = "defaultPipelineRoot"
PLATFORMS: Final = ("---", "platforms")  # a document of its own
HEAD: Final = ("deploymentSpec:", "  executors:")
EXECUTOR: Final = re.compile(r" {4}(exec-[\w-]+):")
RUNS: Final = re.compile(r" {6}(container|importer):")
OPTION: Final = re.compile(r" {8}(- .*|[A-Za-z]+:.*)")  # the items of a list stand below its name
IMAGE: Final = re.compile(r" {8}image: ([\w.:/@-]+)")
EXECUTORS, BELOW = 4, 8  # blanks before an executor's name, and before what its container has
Lines = list[tuple[int, str]]  # each with its number in the file


def images_in(pipeline: bytes) -> dict[str, set[str]]:
    """Name every image in which each component of a compiled pipeline runs.

    Args:
        pipeline: the file's bytes.

    Returns: component → images. One that is used again has a further executor (exec-prune-2), and is still one.

    Raises:
        InputError: not of the form that KFP writes.
    """
    found: dict[str, set[str]] = {}
    for name, image in _executors(_section(_lines(pipeline))):
        found.setdefault(re.sub(r"-\d+$", "", name.removeprefix("exec-")), set()).add(image)
    return found


def _lines(pipeline: bytes) -> Lines:
    """The lines that say something."""
    try:
        text = pipeline.decode("utf-8")
    except UnicodeDecodeError as broken:
        raise InputError(f"{PIPELINE} is not UTF-8") from broken
    if BREAKS.search(text):
        raise InputError(f"{PIPELINE} has ends of lines that KFP does not write")
    every = enumerate(text.split("\n"), 1)
    return [(number, line) for number, line in every if line.strip() and not line.lstrip().startswith("#")]


def _section(lines: Lines) -> Lines:
    """The lines of the executors, from below their head to the next key at the left margin."""
    _refuse_other_keys([each for each in lines if not _blanks(each[1])], lines[:1])
    begin = next(place for place, each in enumerate(lines) if each[1] == HEAD[0])
    if lines[begin + 1][1] != HEAD[1]:
        raise _unread(*lines[begin + 1])
    return list(takewhile(lambda each: _blanks(each[1]), lines[begin + 2 :]))


def _refuse_other_keys(top: Lines, first: Lines) -> None:
    """Refuse a file whose left margin is not KFP's: all of its keys, once, in its order, and where they run in the end.

    A text that is no key may stand there for a lax reader. It takes the place of a key then, without which KFP runs
    nothing.
    """
    for number, line in top:
        if not TOP.fullmatch(line):
            raise _unread(number, line)
    keys = tuple(key for _, line in top if (key := line.partition(":")[0]) != OPTIONAL)
    if keys not in (KEYS, KEYS + PLATFORMS) or first != top[:1] or HEAD[0] not in (line for _, line in top):
        raise InputError(f"{PIPELINE} is no pipeline as KFP compiles it; at its left margin stand {', '.join(KEYS)}")


def _executors(lines: Lines) -> Iterator[tuple[str, str]]:
    """Yield name and image of every executor that has a container."""
    names = set[str]()
    for place, (number, line) in enumerate(lines):
        if _blanks(line) > EXECUTORS:
            continue
        named = EXECUTOR.fullmatch(line)
        if named is None or named[1] in names:
            raise _unread(number, line)
        names.add(named[1])
        rest = (lines[below] for below in range(place + 1, len(lines)))  # not sliced: that takes quadratic time
        inside = list(takewhile(lambda each: _blanks(each[1]) > EXECUTORS, rest))
        yield from ((named[1], image) for image in _image((number, line), inside))


def _image(head: tuple[int, str], inside: Lines) -> Iterator[str]:
    """Yield the image of one executor; none where it is KFP's own importer.

    Args:
        head: the line with its name.
        inside: the lines below it.
    """
    runs = RUNS.fullmatch(inside[0][1]) if inside else None
    if runs is None:
        raise _unread(*head)
    options = [each for each in inside[1:] if _blanks(each[1]) <= BELOW]
    for each in options:
        if not OPTION.fullmatch(each[1]):
            raise _unread(*each)
    if runs[1] == "importer":
        return
    named = [IMAGE.fullmatch(line) for _, line in options if line.lstrip().startswith("image:")]
    if len(named) != 1 or named[0] is None or _blanks(inside[1][1]) != BELOW:
        raise _unread(*head)
    yield named[0][1]


def _blanks(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _unread(number: int, line: str) -> InputError:
    return InputError(f"{PIPELINE}, line {number}, is not as KFP compiles it: {shown(line.strip())}")
