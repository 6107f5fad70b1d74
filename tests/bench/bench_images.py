"""Size of every image, and the seconds until its stage has loaded all it computes with; against the same without .pyc.

    python -m tests.docker_engine sh -c 'images/build --load && python tests/bench/bench_images.py [stage …]'

The peer is the same image with its compiled modules out of sight (PYTHONPYCACHEPREFIX), in turn with it; medians of
three. `bare` is a Python that does nothing, which is what the container engine takes.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "components")]

from images.families import STAGES  # noqa: E402
from potstill.images import development_tag  # noqa: E402
from potstill.progress import tell  # noqa: E402
from tests.docker_engine import answers  # noqa: E402

REPEATS = 3
POD = ("docker", "run", "--rm", "--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--user=123456:0")
WITHOUT = ("--env=PYTHONPYCACHEPREFIX=/nowhere",)


def main() -> None:
    if not answers():
        print("no Docker daemon answers; python -m tests.docker_engine COMMAND starts one")
        return
    print(f"{'image':28} {'MB':>6} {'bare s':>7} {'start s':>8} {'without .pyc':>13} {'ratio':>6}")
    for stage in sys.argv[1:] or STAGES:
        tell(f"timing {stage}")
        image = development_tag(stage)
        help_of_stage = ["potstill", "--help"] if stage == "train-job" else [f"potstill-{stage}", "--help"]
        bare, start, without = [], [], []
        for _ in range(REPEATS):
            bare.append(seconds(image, ["python3", "-c", "pass"]))
            start.append(seconds(image, help_of_stage))
            without.append(seconds(image, help_of_stage, *WITHOUT))
        told = [statistics.median(each) for each in (bare, start, without)]
        ratio = statistics.median(slow / fast for slow, fast in zip(without, start, strict=True))
        print(f"{image:28} {size(image):6.0f} {told[0]:7.2f} {told[1]:8.2f} {told[2]:13.2f} {ratio:6.1f}", flush=True)


def seconds(image: str, command: list[str], *options: str) -> float:
    begun = time.perf_counter()
    subprocess.run([*POD, *options, image, *command], capture_output=True, check=True)
    return time.perf_counter() - begun


def size(image: str) -> float:
    told = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=True)
    return float(json.loads(told.stdout)[0]["Size"]) / 1e6


if __name__ == "__main__":
    main()
