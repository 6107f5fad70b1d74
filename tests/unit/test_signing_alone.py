"""Whoever checks a signature installs cryptography, and nothing else."""

import subprocess
import sys
from pathlib import Path

import potstill.signing

MODULES = sorted(each.stem for each in Path(potstill.signing.__file__).parent.glob("*.py") if each.stem != "__init__")
ALONE = """
import sys
allowed = {*sys.stdlib_module_names, "potstill", "cryptography", "_cffi_backend"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in allowed:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from importlib import import_module
for name in sys.argv[1:]:
    import_module(f"potstill.signing.{name}")
from potstill.signing.command import main
raise SystemExit(main(["new", "a.pem"]))
"""


def test_signing_needs_the_standard_library_and_cryptography_alone(tmp_path):
    assert len(MODULES) >= 8
    command = [sys.executable, "-c", ALONE, *MODULES]
    ended = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert ended.stderr == ""
    assert ended.returncode == 0
    assert (tmp_path / "a.pub").is_file()


def test_the_guard_of_this_test_works(tmp_path):
    command = [
        sys.executable,
        "-c",
        ALONE.replace("import_module(f", "import_module('rfc8785'); import_module(f"),
        "keys",
    ]
    ended = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert "ModuleNotFoundError: rfc8785" in ended.stderr
