"""A disk that is full is one line that names the file and the way out, whichever library met it."""

import shutil
import subprocess
import sys

import pytest

from potstill.os_failures import explain

WAY_OUT = "No space left on device; free some space, or write to another disk"
# Linux refuses a file beyond this limit as it refuses one on a full disk, with another word.
SMALL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from potstill.entry import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (OSError(28, "No space left on device", "out/a"), f"out/a: {WAY_OUT}"),
        (OSError(28, "No space left on device", "read", None, "written"), f"written: {WAY_OUT}"),
        (OSError(28, "No space left on device"), f"prune: {WAY_OUT}"),
        # pyarrow's
        (OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"), f"prune: {WAY_OUT}"),
        # of a folder that was copied
        (shutil.Error([("a", "out/a", "[Errno 28] No space left on device: 'a' -> 'out/a'")]), f"out/a: {WAY_OUT}"),
        (shutil.Error("a and a are the same"), "prune: a and a are the same"),
        (PermissionError(13, "Permission denied", "out"), "out: Permission denied"),
    ],
)
def test_each_failure_is_one_line(failed, told):
    assert explain(failed, "prune") == told


def test_weights_that_do_not_fit_on_the_disk_are_one_line(tmp_path, tiny_checkpoint):
    command = [sys.executable, "-c", SMALL, "import-checkpoint", "--source", str(tiny_checkpoint)]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"potstill: error: {tmp_path}/out/model.safetensors: File too large\n"
    assert not (tmp_path / "out").exists()
