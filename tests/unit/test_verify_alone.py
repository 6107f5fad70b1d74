"""An auditor installs cryptography and nothing else, and needs no network: proved by taking all else away."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.signed import make_bundle

ROOT = Path(__file__).parents[2]
BLOCKED = """
import sys
from importlib.abc import MetaPathFinder

class Only(MetaPathFinder):
    ours = {"potstill", "cryptography", "_cffi_backend", "cffi"}
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in self.ours and top not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"{name} is blocked here", name=name)
        return None

sys.meta_path.insert(0, Only())
sys.argv = ["potstill", "verify", *sys.argv[1:]]
from potstill.entry import main
code = main()
loaded = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print("loaded:", *sorted(each for each in loaded if not each.startswith("_") or each == "_cffi_backend"))
raise SystemExit(code)
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("alone"))


def run(command, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "components"), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **options)


def test_nothing_but_cryptography_is_imported(bundle):
    folder, key = bundle
    ran = run([sys.executable, "-c", BLOCKED, str(folder), "--key", str(key)])
    assert ran.returncode == 0, ran.stderr
    loaded = set(ran.stdout.splitlines()[-1].removeprefix("loaded: ").split())
    assert {"potstill", "cryptography"} <= loaded
    assert loaded <= {"potstill", "cryptography", "_cffi_backend", "cffi"}


def test_no_network_is_needed(bundle):
    unshare = shutil.which("unshare")
    if not unshare or run([unshare, "-rn", "true"]).returncode:
        pytest.skip("no network namespace can be made here")
    folder, key = bundle
    ran = run([unshare, "-rn", sys.executable, "-m", "potstill.verify", str(folder), "--key", str(key)])
    assert ran.returncode == 0, ran.stderr
    assert "PROVED" in ran.stdout


def test_no_socket_is_opened_and_nothing_is_written(bundle):
    """The interpreter tells of every socket and every file; verify opens none but to read."""
    program = (
        "import sys\n"
        "def watch(event, arguments):\n"
        "    if event.startswith('socket.') or event in ('subprocess.Popen', 'os.system', 'os.exec'):\n"
        "        raise SystemExit(f'refused: {event}')\n"
        "    if event == 'open' and isinstance(arguments[1], str) and set(arguments[1]) & set('wax+'):\n"
        "        raise SystemExit(f'refused: {arguments}')\n"
        "sys.addaudithook(watch)\n"
        "from potstill.verify.command import main\n"
        "raise SystemExit(main(sys.argv[1:]))\n"
    )
    folder, key = bundle
    ran = run([sys.executable, "-B", "-c", program, str(folder), "--key", str(key)])
    assert (ran.returncode, ran.stderr) == (0, "")
