"""What a command prints: on any terminal, for a reader who leaves, and where standard output cannot be written."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from potstill.cli import main
from potstill.signing.keys import new_key, public_path

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "tests" / "golden" / "bundle"
KEY = ROOT / "tests" / "golden" / "bundle.pub"
TELLING = {
    "verify": ["verify", BUNDLE, "--key", KEY],
    "verify --json": ["verify", BUNDLE, "--key", KEY, "--json"],
    "lineage": ["lineage", BUNDLE],
    "keys show": ["keys", "show", KEY],
    "--help": ["--help"],
    "--version": ["--version"],
    "releases": ["releases"],
    "releases list": ["releases", "list", "file:///tmp", "--json"],
}
UNWRITTEN = {
    "/dev/full": "standard output: No space left on device; free some space, or write to another disk",
    "&-": "standard output: it is closed",
}


def shell(arguments, redirected, **options):
    command = ["sh", "-c", f'exec "$@" >{redirected}', "sh", sys.executable, "-m", "potstill", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "components")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **options)


@pytest.mark.parametrize("place", UNWRITTEN)
@pytest.mark.parametrize("name", TELLING)
def test_what_cannot_be_written_is_refused_in_one_line(name, place):
    ran = shell(TELLING[name], place)
    assert (ran.returncode, ran.stderr) == (2, f"potstill: error: {UNWRITTEN[place]}\n")


@pytest.mark.parametrize("place", UNWRITTEN)
def test_a_key_whose_id_could_not_be_told_is_said_to_be_there(place, tmp_path):
    ran = shell(["keys", "new", "k.key"], place, cwd=tmp_path)
    told = f"{UNWRITTEN[place]}; k.key and k.pub are written; potstill keys show k.pub tells the id"
    assert (ran.returncode, ran.stderr) == (2, f"potstill: error: {told}\n")
    assert {each.name for each in tmp_path.iterdir()} == {"k.key", "k.pub"}


@pytest.mark.parametrize("place", ["/dev/full", "&-"])
def test_a_refusal_that_cannot_be_told_is_still_one(place):
    ran = shell(["nothing"], f"/dev/null 2>{place}")
    assert ran.returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", ["lineage", "--help", "verify"])
def test_any_terminal_can_print_it(name, encoding, monkeypatch):
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    assert main(list(map(str, TELLING[name]))) == 0
    screen.flush()
    assert b"\\u2" not in screen.buffer.getvalue()


def test_nobody_needs_to_read_on(tmp_path):
    new_key(tmp_path / "k.key")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "potstill", "keys", "show", str(public_path(tmp_path / "k.key"))]
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, cwd=ROOT)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, b"")
