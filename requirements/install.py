"""Install the locked dependencies into the Python that runs this, with the PyTorch that fits the machine.

    python requirements/install.py [--torch cpu|cuda]

Nothing that is not pinned by hash is installed, and nothing is built with tools that are not.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "lock.txt"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def main() -> int:
    """Install everything; → pip's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", choices=("auto", "cpu", "cuda"), default="auto", help="which build of PyTorch")
    wanted = parser.parse_args().torch
    flavour = _flavour() if wanted == "auto" else wanted
    print(f"installing the locked dependencies, PyTorch for {flavour}; this takes some minutes", flush=True)
    # setuptools comes first: it builds what has no wheel, and must itself be one that the lock names.
    _pip("install", "--quiet", "--require-hashes", "--no-deps", "-r", str(_only("setuptools")))
    locked = ("-r", str(LOCK), "-r", str(HERE / f"torch-{flavour}.txt"))
    _pip("install", "--quiet", "--require-hashes", "--no-build-isolation", *locked)
    _pip("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(HERE.parent))
    return 0


def _flavour() -> str:
    """A GPU wants the CUDA build; without one the CPU build, where pip finds it."""
    if (smi := shutil.which("nvidia-smi")) and subprocess.run(
        [smi, "-L"], capture_output=True, check=False
    ).returncode == 0:
        return "cuda"
    if sys.platform != "linux" or _pip_finds().endswith("+cpu"):
        return "cpu"
    print("pip finds no CPU build of PyTorch here (requirements/README.md tells how to name one); taking PyPI's build")
    return "cuda"


def _pip_finds() -> str:
    """The version of PyTorch that pip would install here; nothing is downloaded but its metadata."""
    command = [*PIP, "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-"]
    told = subprocess.run([*command, "-r", str(HERE / "torch-cpu.txt")], capture_output=True, text=True, check=False)
    return json.loads(told.stdout)["install"][0]["metadata"]["version"] if told.returncode == 0 else ""


def _only(package: str) -> Path:
    """A requirements file with one package of the lock."""
    lines, taken, taking = LOCK.read_text().splitlines(), [], False
    for line in lines:
        if not line.startswith(" "):
            taking = line.startswith(f"{package}==")
        if taking:
            taken.append(line)
    path = Path(tempfile.mkdtemp()) / "requirements.txt"
    path.write_text("\n".join(taken) + "\n")
    return path


def _pip(*arguments: str) -> None:
    done = subprocess.run([*PIP, *arguments], check=False)
    if done.returncode:
        sys.exit(f"pip {arguments[0]} failed with exit code {done.returncode}; its message is above")


if __name__ == "__main__":
    raise SystemExit(main())
