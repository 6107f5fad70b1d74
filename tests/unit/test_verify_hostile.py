"""Whatever somebody puts into a folder, verify answers soon, in lines, and never by a traceback."""

import os
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from potstill.artifacts import MANIFEST, SIGNATURE
from potstill.evidence.layout import BOM, CARD, FIGURES, INDEX, VERDICT
from potstill.verify.command import main
from tests.forging import JSON, Bundle, Forge, reseal

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds of one answer, on a loaded machine
SUMMARY = "report/summary.json"
TEXTS = {
    "nothing": b"",
    "no JSON": b"\x00\xff",
    "a text": b'"x"',
    "null": b"null",
    "a list": b"[]",
    "an object": b"{}",
    "a number": b"7",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a long number": b"9" * 100_000,
    "infinity": b'{"kind":Infinity}',
    "a name twice": b'{"kind":1,"kind":2}',
    "half a character": b'{"kind":"\\ud800"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    return Forge.make(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("signed", [False, True])
def test_any_text_in_the_place_of_json_is_told_in_lines(forge, text, signed):
    for name in (INDEX, VERDICT, SUMMARY, BOM) if signed else (SIGNATURE, MANIFEST, FIGURES, CARD):

        def change(bundle, name=name):
            bundle.write(name, TEXTS[text])
            if signed:
                reseal(bundle, forge.key)

        proof = forge.forged(change)
        assert not proof.proved, name
        assert not any("a form that is not read" in line for line in proof.wrong), (name, proof.wrong)


def test_json_that_would_cost_hours_is_not_read(forge):
    for name in (SIGNATURE, INDEX, VERDICT, FIGURES, MANIFEST):
        began = time.monotonic()
        proof = forge.forged(lambda bundle, name=name: bundle.write(name, b"[" + b"0," * (32 * 2**20) + b"0]"))
        assert time.monotonic() - began < PATIENCE
        assert any("not read" in line or "more than" in line for line in proof.wrong)


def test_a_sparse_terabyte_is_not_read(forge):
    def change(bundle):
        with (bundle.folder / "models" / "huge").open("wb") as stream:
            stream.truncate(10**12)

    began = time.monotonic()
    proof = forge.forged(change)
    assert time.monotonic() - began < PATIENCE
    assert any("none was read" in line for line in proof.wrong)


def test_ten_thousand_files_are_told(forge):
    def change(bundle):
        for number in range(10_000):
            (bundle.folder / f"{number}").touch()

    began = time.monotonic()
    proof = forge.forged(change)
    assert time.monotonic() - began < PATIENCE
    assert len(proof.wrong) > 10_000


def test_random_bytes_in_json_are_told_in_lines(forge):
    """A byte here and there, everywhere; signed again with the very key, so that all of it is read."""
    dice = random.Random(5)
    names = [name for name in Bundle(forge.bundle).files(suffix=JSON) if name not in (SIGNATURE, MANIFEST)]

    def change(bundle):
        name = dice.choice(names)
        data = bytearray(bundle.read(name))
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.choice(b'{}[]":,0x\\\xff')
        if bytes(data) == bundle.read(name):
            data += b" "
        bundle.write(name, bytes(data))
        reseal(bundle, forge.key)

    for _ in range(30):
        proof = forge.forged(change)
        assert not proof.proved
        assert not any("a form that is not read" in line for line in proof.wrong), proof.wrong


def test_a_folder_of_links_and_pipes_is_answered(forge, tmp_path, capsys):
    (tmp_path / "x").symlink_to(".")
    for name in (SIGNATURE, MANIFEST, INDEX):
        os.mkfifo(tmp_path / name)
    (tmp_path / "evidence").symlink_to("/dev")
    assert main([str(tmp_path), "--key", str(forge.key.with_suffix(".pub"))]) == 1
    assert "a pipe, a socket or a device" in capsys.readouterr().out


def test_memory_stays_small(forge, tmp_path):
    """A model of 300 MB is read in pieces: 200 MB of memory are enough for it, the interpreter included."""
    shutil.copytree(forge.bundle, tmp_path / "bundle")
    with (tmp_path / "bundle" / "models" / "onnx" / "model.onnx").open("wb") as stream:
        stream.truncate(300_000_000)
    command = [sys.executable, "-m", "potstill.verify", str(tmp_path / "bundle"), "--key"]
    ran = subprocess.run(
        [*command, str(forge.key.with_suffix(".pub"))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "components")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (200_000_000, 200_000_000)),
    )
    assert ran.returncode == 1, ran.stderr
    assert "models/onnx/model.onnx was changed" in ran.stdout
