"""What the card of verify and the auditor's page show is what is printed, and what they list is what there is."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from potstill.signing.keys import new_key
from potstill.verify.command import main
from potstill.verify.policy import FIELDS, make_policy
from potstill.verify.proving import CHECKS
from tests.released import RESEARCH
from tests.signed import make_bundle

ROOT = Path(__file__).parents[2]
CARD = ROOT / "components" / "potstill" / "verify" / "README.md"
PAGE = ROOT / "docs" / "audit.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
CHANGING = re.compile(r"[0-9a-f]{12,}|\d[\d.,]*")
ALIKE = 40  # characters of a line that are the same for every release


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A bundle and a key as the pages call them."""
    new_key(tmp_path / "release.key")
    make_bundle(tmp_path / "runs", key=tmp_path / "release.key", start=RESEARCH, version="1.4.0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(page, *languages):
    return [text for language, text in BLOCK.findall(page.read_text(encoding="utf-8")) if language in languages]


def test_the_page_is_what_is_printed(place, capsys):
    tried = 0
    for text in blocks(PAGE, "", "toml"):
        if not text.startswith("$"):
            (place / "policy.toml").write_text(text)
            continue
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            if command.startswith("potstill verify"):
                tried += 1
                _compare(shlex.split(command)[2:], shown.splitlines(), capsys)
            elif command.split()[0] in ("cp", "printf", "touch", "rm"):
                subprocess.run(command, shell=True, check=True, cwd=place, env=os.environ)
    assert tried == 3


def _compare(arguments, shown, capsys):
    """Exit code and marks are those shown; numbers and digests are another release's."""
    code = main(arguments)
    printed = capsys.readouterr().out.splitlines()
    assert code == (0 if shown[-1].startswith("PROVED") else 1)
    marks = [line for line in shown if line.startswith(("✓", "✗", "PROVED", "NOT PROVED"))]
    assert len(marks) > 1
    known = [_skeleton(line) for line in printed]
    assert [line for line in marks if _skeleton(line) not in known] == []
    if "…" not in shown:
        assert len(marks) == len([line for line in printed if not line.startswith(" ")]) - 1


def _skeleton(line):
    return CHANGING.sub("#", line)[:ALIKE]


def test_the_card_runs(place, capsys):
    for text in blocks(CARD, "toml"):
        (place / "policy.toml").write_text(text)
    for text in blocks(CARD, ""):
        assert main(shlex.split(text)[2:]) == 0
    for text in blocks(CARD, "python"):
        exec(compile(text, "card", "exec"), {"__name__": "card"})
    assert "False ('the licence is research-only; the policy lets in open',)" in capsys.readouterr().out


def test_the_card_lists_every_check_and_every_field_of_a_policy():
    text = CARD.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z][\w-]*)` \|", text, re.MULTILINE)
    assert rows == [*(check.name for check in CHECKS), *FIELDS]


@pytest.mark.parametrize("page", [CARD, PAGE])
def test_every_policy_that_is_shown_is_one(page):
    shown = blocks(page, "toml")
    assert shown
    for text in shown:
        make_policy(tomllib.loads(text))


def test_every_part_of_a_bundle_is_on_the_page(place):
    text = PAGE.read_text(encoding="utf-8")
    listed = [name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall("`(.+?)`", row)]
    bundle = place / "runs" / "bundle"
    files = [each.relative_to(bundle).as_posix() for each in bundle.rglob("*") if each.is_file()]
    assert [name for name in listed if not (bundle / name).exists()] == []
    folders = tuple(f"{name.rstrip('/')}/" for name in listed)
    assert [name for name in files if name not in listed and not name.startswith(folders)] == []


def test_the_key_is_told_as_sha256sum_tells_it(place, capsys):
    if not shutil.which("sha256sum"):
        pytest.skip("no sha256sum here")
    told = subprocess.run(["sha256sum", "release.pub"], capture_output=True, text=True, check=True, cwd=place).stdout
    assert main(["runs/bundle", "--key", "release.pub"]) == 0
    assert told.split()[0] in capsys.readouterr().out.splitlines()[1]
