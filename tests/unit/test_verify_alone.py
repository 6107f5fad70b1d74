"""An auditor installs cryptography and nothing else, and needs no network: proved by taking all else away."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from potstill.attempt import EXTRAS, attempt
from potstill.commands import COMMANDS, READERS
from tests.signed import make_bundle

ROOT = Path(__file__).parents[2]
ABSENT = "needs tyro, which is not installed; pip install './potstill"
ALLOWED = {"potstill", "cryptography", "_cffi_backend", "cffi"}
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
sys.argv = ["potstill", *sys.argv[1:]]
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


def loaded_by(ran):
    return set(ran.stdout.splitlines()[-1].removeprefix("loaded: ").split())


def test_nothing_but_cryptography_is_imported(bundle):
    folder, key = bundle
    ran = run([sys.executable, "-c", BLOCKED, "verify", str(folder), "--key", str(key)])
    assert ran.returncode == 0, ran.stderr
    loaded = loaded_by(ran)
    assert {"potstill", "cryptography"} <= loaded
    assert loaded <= ALLOWED


def test_lineage_needs_no_more(bundle, tmp_path):
    folder, _ = bundle
    files = ["--svg", str(tmp_path / "a.svg"), "--html", str(tmp_path / "a.html")]
    ran = run([sys.executable, "-c", BLOCKED, "lineage", str(folder), *files])
    assert ran.returncode == 0, ran.stderr
    assert "headlines 1.0.0" in ran.stdout
    assert loaded_by(ran) <= ALLOWED
    assert {each.name for each in tmp_path.iterdir()} == {"a.svg", "a.html"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [([], "usage: "), (["--help"], "usage: "), (["--version"], "potstill "), (["releases"], "releases fetch")],
)
def test_what_teaches_needs_no_more(arguments, word):
    ran = run([sys.executable, "-c", BLOCKED, *arguments])
    assert (ran.returncode, ran.stderr) == (0, "")
    assert word in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["releases", "list", "x"], f"potstill releases list {ABSENT}[publish]'"),
        (["reproduce", "x"], f"potstill reproduce {ABSENT}[all]'"),
        (["prune"], f"potstill prune {ABSENT}[prune]'"),
        (["verifi", "x"], "'verifi' is not a command; commands are: "),
    ],
)
def test_what_needs_more_says_in_one_line_what_to_install(arguments, told):
    ran = run([sys.executable, "-c", BLOCKED, *arguments])
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"potstill: error: {told}")


@pytest.mark.parametrize("name", [*COMMANDS, *READERS])
def test_what_is_to_be_installed_is_an_extra(name):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    first = name.partition(" ")[0]
    assert EXTRAS.get(first, first) in extras


def test_a_module_of_our_own_that_is_missing_is_a_fault():
    def broken():
        raise ModuleNotFoundError("No module named 'potstill.absent'", name="potstill.absent")

    with pytest.raises(ModuleNotFoundError):
        attempt("verify", broken)


def test_without_cryptography_it_is_named():
    code = "import sys; sys.modules['cryptography'] = None; from potstill.cli import main; sys.exit(main(['verify']))"
    ran = run([sys.executable, "-c", code])
    told = "potstill: error: potstill verify needs cryptography, which is not installed; pip install cryptography\n"
    assert (ran.returncode, ran.stderr) == (2, told)


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
