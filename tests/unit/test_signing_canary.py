"""A key given where its path is wanted: whatever the command, nothing of the key is said."""

import subprocess
import sys
from pathlib import Path

import pytest

from potstill.errors import OptionError
from potstill.signing.certificates import CERTIFICATE, read_authorities, read_chain
from potstill.signing.keys import KEY, new_key, public_path, read_private, read_public
from potstill.signing.shown_path import KEY_ITSELF, SHORTEST, is_key_itself, refuse_secrets, shown_path

ROOT = Path(__file__).parents[2]
RUN = [sys.executable, "-c", "from potstill.entry import main; raise SystemExit(main())"]
PIECE = 12  # characters of a key that no output may hold


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("canary") / "k.key"
    new_key(path)
    return path


def text_of(key):
    """`$(cat k.key)`."""
    return key.read_text().rstrip("\n")


def lines_of(key):
    """`$(grep -v -- ---- k.key)`."""
    return "\n".join(text_of(key).splitlines()[1:-1])


def body_of(key):
    """`$(grep -v -- ---- k.key | tr -d '\\n')`."""
    return lines_of(key).replace("\n", "")


def pieces_of(key):
    """Every stretch of the private key's body; its public half stands in it, too, and counts alike."""
    body = body_of(key)
    return {body[place : place + PIECE] for place in range(len(body) - PIECE + 1)}


FORMS = {"the text": text_of, "the lines": lines_of, "the body": body_of}
VERIFY = ("verify", ".", "--key", "absent.pub")
PUBLISH = ("publish", ".", "file:///nowhere/store")
COMMANDS = {
    "sign --key=": ("sign", "--release", "r", "--bundle", "b", "--key={}"),
    "sign --key": ("sign", "--release", "r", "--bundle", "b", "--key", "{}"),
    "sign --certificate=": ("sign", "--release", "r", "--bundle", "b", "--key=k", "--certificate={}"),
    "sign --config": ("sign", "--release", "r", "--bundle", "b", "--release-digest={}"),
    "sign unknown": ("sign", "--release", "r", "--bundle", "b", "--kye={}"),
    "verify --key": ("verify", ".", "--key", "{}"),
    "verify --key=": ("verify", ".", "--key={}"),
    "verify --ca": ("verify", ".", "--ca", "{}"),
    "verify --policy": (*VERIFY, "--policy", "{}"),
    "verify BUNDLE": ("verify", "{}", "--key", "absent.pub"),
    "verify further": (*VERIFY, "{}"),
    "publish --key=": (*PUBLISH, "--key={}"),
    "publish --key": (*PUBLISH, "--key", "{}"),
    "publish --ca=": (*PUBLISH, "--ca={}"),
    "publish --policy=": (*PUBLISH, "--key=absent.pub", "--policy={}"),
    "publish PLACE": ("publish", ".", "{}", "--key=absent.pub"),
    "releases fetch --key=": ("releases", "fetch", "file:///nowhere", "a", "1.0.0", "--out", "o", "--key={}"),
    "keys show": ("keys", "show", "{}"),
    "keys new": ("keys", "new", "{}"),
    "keys new --curve": ("keys", "new", "fresh.key", "--curve", "{}"),
    "keys further": ("keys", "new", "fresh.key", "{}"),
}


def silent(key, capfd, arguments):
    """Run a command that must be refused in one line without a piece of the key in it; → the line."""
    from potstill.cli import main

    code = main(arguments)
    told = capfd.readouterr()
    assert code == 2
    assert told.out == ""
    assert told.err.startswith("potstill: error: ")
    assert told.err.count("\n") == 1
    assert [piece for piece in pieces_of(key) if piece in told.err] == []
    return told.err


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_key_in_place_of_its_path_is_never_echoed(command, form, key, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    arguments = [each.replace("{}", FORMS[form](key)) for each in COMMANDS[command]]
    assert KEY_ITSELF in silent(key, capfd, arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("variable", [KEY, CERTIFICATE])
def test_a_variable_that_holds_a_key_is_never_echoed(variable, form, key, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(KEY, str(key))
    monkeypatch.setenv(variable, FORMS[form](key))
    said = silent(key, capfd, ["sign", "--release", "r", "--bundle", "b"])
    assert f"{variable} holds a key or a certificate itself; set it to the path of a file" in said


@pytest.mark.parametrize("command", ["sign --key=", "verify --key", "keys new"])
def test_nothing_is_said_by_a_process_of_its_own(command, key, tmp_path):
    """Also nothing that Python itself would add: a warning, or a traceback."""
    arguments = [each.replace("{}", text_of(key)) for each in COMMANDS[command]]
    ended = subprocess.run([*RUN, *arguments], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2
    assert KEY_ITSELF in ended.stderr
    assert [piece for piece in pieces_of(key) if piece in ended.stdout + ended.stderr] == []


@pytest.mark.parametrize("read", [read_private, read_public, read_authorities, new_key])
@pytest.mark.parametrize("form", FORMS)
def test_no_function_takes_a_key_for_a_path(read, form, key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match=KEY_ITSELF) as refused:
        read(Path(FORMS[form](key)))
    assert [piece for piece in pieces_of(key) if piece in str(refused.value)] == []
    assert refused.value.__context__ is None  # nothing that a traceback would print besides
    assert list(tmp_path.iterdir()) == []


def test_a_chain_is_no_key(key):
    with pytest.raises(OptionError, match=KEY_ITSELF):
        read_chain(Path(body_of(key)), read_public(public_path(key)))


def test_the_pieces_of_this_test_would_be_found(key):
    assert any(piece in f"{body_of(key)} cannot be read" for piece in pieces_of(key))
    assert len(pieces_of(key)) > 150


@pytest.mark.parametrize(
    "path",
    [
        "release.key",
        "/var/run/potstill/signing/release.key",
        "a" * 200,
        "0123456789abcdef" * 4,
        "/home/user/models/headlines/releases/2026-11-22/run_7/bundle",
        "s3://bucket/A" + "b1" * 50,
        "",
    ],
)
def test_paths_and_digests_are_no_keys(path):
    assert not is_key_itself(path)
    assert shown_path(path) == path


def test_a_file_that_is_there_is_no_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "Aa1" * SHORTEST
    assert is_key_itself(name)
    (tmp_path / name).touch()
    assert not is_key_itself(name)


def test_what_is_no_secret_may_stand_on_a_command_line(key):
    texts = ['override = true\nverdicts = ["fail"]', public_path(key).read_text(), "Ein langer Satz über Wein " * 9]
    refuse_secrets([*texts, *(f"--option={each}" for each in texts)])


def test_a_path_of_two_lines_is_no_key_and_is_said_in_one(key, capfd):
    assert not is_key_itself("nl\nx")
    assert silent(key, capfd, ["verify", "nl\nx", "--key", "absent.pub"]) == (
        "potstill: error: nl\\nx does not exist or is not a folder; give the folder of a signed bundle\n"
    )


@pytest.mark.parametrize("end", [1, 2, 3])
def test_a_line_of_a_key_among_others_is_a_key(key, end):
    """`$(head -2 k.key)`, `$(tail -2 k.key)`, or with a heading of somebody's."""
    lines = text_of(key).splitlines()
    for given in (lines[:end], lines[-end:], ["Bag Attributes: <none>", *lines[1 : end + 1]]):
        assert is_key_itself("\n".join(given))
