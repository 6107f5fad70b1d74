"""Install the locked dependencies into the Python that runs this, with the PyTorch that fits the machine.

    python requirements/install.py [--torch cpu|cuda]

Nothing that is not pinned by hash is installed, and nothing is built with tools that are not.
"""

import argparse
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
    if shutil.which("nvidia-smi") and subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0:
        return "cuda"
    tried = subprocess.run(
        [*PIP, "install", "--quiet", "--dry-run", "--ignore-installed", "--require-hashes",
         "-r", str(HERE / "lock.txt"), "-r", str(HERE / "torch-cpu.txt")],
        capture_output=True, check=False,
    )
    if tried.returncode == 0:
        return "cpu"
    print("pip finds no CPU build of PyTorch here (requirements/README.md tells how to name one); taking PyPI's build")
    return "cuda"


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
