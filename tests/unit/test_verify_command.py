"""`potstill verify`: what it prints, and the exit codes 0, 1 and 2."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from potstill.verify.command import main
from tests.forging import Bundle, Forge, edit

ROOT = Path(__file__).parents[2]
CHECKS = [
    *("signature", "closed-set", "manifests", "lineage", "seals", "shipped", "attestations", "licence", "verdict"),
    *("papers", "policy"),
]


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    return Forge.make(tmp_path_factory.mktemp("command"))


@pytest.fixture
def public(forge):
    return str(forge.key.with_suffix(".pub"))


@pytest.fixture
def damaged(forge, tmp_path):
    """A bundle with a changed model and a file too many."""
    shutil.copytree(forge.bundle, tmp_path / "damaged")
    bundle = Bundle(tmp_path / "damaged")
    bundle.write("models/onnx/model.onnx", b"x")
    bundle.write("a\nfile\x1b[31m", b"")
    return str(bundle.folder)


def test_a_good_bundle_is_told_in_plain_words(forge, public, capsys):
    assert main([str(forge.bundle), "--key", public]) == 0
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first.startswith("headlines 1.0.0, bundle ")
    assert [line[0] for line in lines if not line.startswith("    ")] == ["✓"] * len(CHECKS)
    assert last == f"PROVED: all {len(CHECKS)} checks hold."


def test_a_damaged_bundle_is_told_line_by_line(damaged, public, capsys):
    assert main([damaged, "--key", public]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "✗ It is not proved that the files here are those that were signed, and no other." in printed.out
    assert "    models/onnx/model.onnx was changed: SHA-256 " in printed.out
    assert "    a\\nfile\\x1b[31m was added: nobody signed it" in printed.out
    assert printed.out.splitlines()[-1].startswith("NOT PROVED: ")


def test_a_program_is_told_the_same(forge, damaged, public, capsys):
    assert main([str(forge.bundle), "--key", public, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["proved"], told["release"]["name"]) == (True, "headlines")
    assert [each["name"] for each in told["checks"]] == CHECKS
    assert main([damaged, "--key", public, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["proved"]
    assert any("was changed" in line for each in told["checks"] for line in each["wrong"])


def test_every_line_of_a_thousand_is_told_to_a_program_and_the_first_to_a_reader(forge, public, tmp_path, capsys):
    shutil.copytree(forge.bundle, tmp_path / "bundle")
    for number in range(1000):
        (tmp_path / "bundle" / f"added-{number:04}").touch()
    assert main([str(tmp_path / "bundle"), "--key", public]) == 1
    out = capsys.readouterr().out
    assert "    added-0000 was added" in out
    assert "    and 950 more; --json tells all" in out
    assert main([str(tmp_path / "bundle"), "--key", public, "--json"]) == 1
    assert capsys.readouterr().out.count("nobody signed it") == 1000


def test_one_of_several_keys_is_enough(forge, public):
    assert main([str(forge.bundle), "--key", str(forge.stranger.with_suffix(".pub")), "--key", public]) == 0


def test_another_key_is_said_with_both_names(forge, public, capsys):
    assert main([str(forge.bundle), "--key", str(forge.stranger.with_suffix(".pub"))]) == 1
    out = capsys.readouterr().out
    assert "is signed by the key" in out
    assert "trusted: the key" in out
    assert "✓ Each of the 13 manifests" in out


def test_a_policy_is_read(forge, public, tmp_path, capsys):
    policy = tmp_path / "policy.toml"
    policy.write_text('name = "headlines"\nminimum_version = "1.0.0"\nlicence_uses = ["open"]\n')
    assert main([str(forge.bundle), "--key", public, "--policy", str(policy)]) == 0
    assert "✓ The policy is met: name, minimum_version, licence_uses." in capsys.readouterr().out
    policy.write_text('minimum_version = "1.0.1"\n')
    assert main([str(forge.bundle), "--key", public, "--policy", str(policy)]) == 1
    assert "an older release; the policy wants 1.0.1 at least" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: BUNDLE"),
        (["BUNDLE"], "nothing says whom to trust; give --key"),
        (["", "--key", "KEY"], "argument BUNDLE: no bundle is named"),
        (["BUNDLE", "--key", ""], "argument --key: no key is named"),
        (["BUNDLE", "--ca", ""], "argument --ca: no authority is named"),
        (["BUNDLE", "--key", "KEY", "--policy", ""], "argument --policy: no policy is named"),
        (["nowhere", "--key", "KEY"], "nowhere does not exist or is not a folder"),
        (["FILE", "--key", "KEY"], "does not exist or is not a folder"),
        (["BUNDLE", "--key", "nokey"], "nokey cannot be read"),
        (["BUNDLE", "--key", "FILE"], "not a public key"),
        (["BUNDLE", "--key", "PRIVATE"], "holds a private key"),
        (["BUNDLE", "--ca", "KEY"], "not the certificate of an authority"),
        (["BUNDLE", "--key", "KEY", "--policy", "none.toml"], "none.toml cannot be read"),
        (["BUNDLE", "--key", "KEY", "--policy", "FILE"], "is no field"),
        (["BUNDLE", "--keys", "KEY"], "unrecognized arguments"),
        (["BUNDLE", "MORE", "--key", "KEY"], "unrecognized arguments"),
    ],
)
def test_what_is_no_question_is_refused_in_a_line(forge, public, tmp_path, capsys, arguments, said):
    file = tmp_path / "file"
    file.write_text("word = 1\n")
    known = {"BUNDLE": forge.bundle, "KEY": public, "FILE": file, "PRIVATE": forge.key}
    assert main([str(known.get(each, each)) for each in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert printed.err.startswith("potstill: error: ")
    assert printed.err.count("\n") == 1


def test_an_empty_folder_is_not_proved(public, tmp_path, capsys):
    assert main([str(tmp_path), "--key", public]) == 1
    out = capsys.readouterr().out
    assert "does not say what release it is" in out
    assert "model.sig is missing" in out


def test_any_terminal_can_print_it(forge, public, damaged, monkeypatch):
    for encoding in ("ascii", "latin-1", "cp1252"):
        screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", screen)
        assert main([damaged, "--key", public]) == 1
        screen.flush()
        assert b"WRONG It is not proved" in screen.buffer.getvalue()


def test_nobody_needs_to_read_on(damaged, public):
    """As behind `head`: no traceback, and the exit code of a broken pipe."""
    command = [sys.executable, "-m", "potstill.verify", damaged, "--key", public]
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, cwd=ROOT)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, b"")


def test_help_teaches_the_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "potstill verify runs/bundle --key release.pub\n" in out
    assert "One of --key and --ca must be given" in out
    assert re.findall(r"^  (\d)  ", out, re.MULTILINE) == ["0", "1", "2"]


def test_what_several_checks_lack_is_said_once(forge, public, tmp_path, capsys):
    """Every check that is not proved still has its own line."""
    shutil.copytree(forge.bundle, tmp_path / "bundle")
    (tmp_path / "bundle" / "release.json").unlink()
    assert main([str(tmp_path / "bundle"), "--key", public]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(line[0] in "✓✗" for line in lines) == len(CHECKS)
    unseen = "    not looked at: the evidence could not be read, as is said above"
    told = [number for number, line in enumerate(lines) if line == unseen]
    assert len(told) == 2  # below the seals, of which more is wrong; and below all that need the evidence alone
    assert all(line.startswith("✗") for line in lines[told[0] + 1 : told[1]])
    assert lines.count("    not looked at: release.json could not be read, as is said above") == 1


def test_edited_words_of_the_card_are_told(forge, public, tmp_path, capsys):
    shutil.copytree(forge.bundle, tmp_path / "bundle")
    edit(Bundle(tmp_path / "bundle"), "release.json", lambda index: index.update(licence={"expression": "MIT"}))
    assert main([str(tmp_path / "bundle"), "--key", public]) == 1
    assert "licence must hold exactly expression, use" in capsys.readouterr().out
