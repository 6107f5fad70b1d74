"""What verifying a bundle costs: python tests/bench/bench_verify.py [BUNDLE PUBLIC_KEY]

Without a bundle one of 250 MB is made. `potstill verify` and `sha256sum` over the same files take turns, each a process
of its own; files are in the page cache. Seconds of wall clock and of CPU, lowest, median and highest of five; memory is
the peak of verify. Goal: 10 s at most.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROUNDS, MEGABYTES, SHIPPED = 5, 250, 6  # files of weights in a release; random bytes, as large as one another
MAKE = f"""
import sys
from pathlib import Path
from tests.signed import make_bundle
make_bundle(Path(sys.argv[1]), size={MEGABYTES * 10**6 // SHIPPED})
"""


def main() -> None:
    """Measure, and print the table."""
    with bundle_asked_for() as (bundle, key):
        files = sorted(str(each) for each in bundle.rglob("*") if each.is_file())
        size = sum(Path(each).stat().st_size for each in files) / 1e6
        commands = {
            "potstill verify": [sys.executable, "-m", "potstill.verify", str(bundle), "--key", str(key)],
            "sha256sum": ["sha256sum", *files],
        }
        took = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                took[name].append(run(command))
        print(f"{len(files)} files, {size:.0f} MB")
        for name, rounds in took.items():
            wall, cpu, memory = zip(*rounds, strict=True)
            print(f"{name}: {spread(wall)} s, CPU {spread(cpu)} s, {max(memory):.0f} MB of memory")


@contextmanager
def bundle_asked_for() -> Iterator[tuple[Path, Path]]:
    """The bundle and key of the command line, or one that is made and taken away."""
    if len(sys.argv) == 3:
        yield Path(sys.argv[1]), Path(sys.argv[2])
        return
    with tempfile.TemporaryDirectory() as folder:
        # Made elsewhere: a child begins with the memory of its parent, and its peak would be that.
        subprocess.run([sys.executable, "-c", MAKE, folder], check=True, env=environment())
        yield Path(folder) / "bundle", Path(folder) / "signing.pub"


def run(command: list[str]) -> tuple[float, float, float]:
    """Run to the end; → seconds, seconds of CPU, peak megabytes."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[:3]} ended with {child.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def environment() -> dict[str, str]:
    """The environment of a child that finds potstill and its tests."""
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'components'}{os.pathsep}{ROOT}"}


def spread(values: tuple[float, ...]) -> str:
    """Lowest, median, highest."""
    return f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f}"


if __name__ == "__main__":
    main()
