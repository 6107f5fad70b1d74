"""A key in place of a command: nothing of it is said, however a shell parted it."""

import pytest

from potstill.cli import LONGEST, main
from potstill.commands import COMMANDS, GROUPS, OFFLINE, READERS
from potstill.signing.keys import new_key
from potstill.signing.shown_path import KEY_ITSELF

PIECE = 12  # characters of a key that no output may hold


@pytest.fixture(scope="module", params=["P-256", "P-384", "P-521"])
def lines(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "k.key"
    new_key(path, request.param)
    return path.read_text().splitlines()


def refused(lines, capfd, arguments):
    """Run what is no command; → the line that says so, with no piece of the key in it."""
    assert main(arguments) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    body = "".join(lines[1:-1])
    assert [body[at : at + PIECE] for at in range(len(body) - PIECE + 1) if body[at : at + PIECE] in told.err] == []
    return told.err


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_a_key_is_no_command_and_is_never_echoed(group, lines, capfd):
    before = [group] if group else []
    body = lines[1:-1]
    for given in (["\n".join(lines)], lines, ["\n".join(body)], ["".join(body)], body, " ".join(lines).split()):
        assert KEY_ITSELF in refused(lines, capfd, [*before, *given])


def test_a_part_of_a_key_is_never_echoed(lines, capfd):
    """The last line of a body is too short to be known for a key, and too long for a command."""
    for given in [[each] for each in lines[1:-1]] + [[lines[1][: LONGEST + 1]], [lines[-2], *lines[-1].split()]]:
        refused(lines, capfd, given)


def test_every_command_is_short_enough_to_be_shown():
    assert max(map(len, (*COMMANDS, *READERS, *OFFLINE))) < LONGEST


def test_a_word_that_was_misspelt_is_shown(capfd):
    assert main(["destill"]) == 2
    assert "'destill' is not a command" in capfd.readouterr().err


def test_of_a_long_word_its_length_is_shown(capfd):
    assert main(["x" * 31]) == 2
    assert "what was given, of 31 characters, is not a command; commands are: " in capfd.readouterr().err
