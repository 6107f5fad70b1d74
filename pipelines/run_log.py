"""A local run's output: everything into a file, and for a person only the steps, their progress and their errors."""

import io
import re
import sys
import time
from pathlib import Path
from typing import TextIO

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
STARTED = re.compile(r"Executing task '(?P<task>(?!importer)[^']+)'")
ENDED = re.compile(r"Task '(?P<task>(?!importer)[^']+)' finished with status (?P<status>\w+)")
PROGRESS = re.compile(r"\[\d+:\d\d(:\d\d)?<")  # tqdm's [elapsed<left, rate]
TOLD = re.compile(r"\s*▸ (?P<what>.+)")  # what a step says of itself: its recipe, the checkpoint it goes on from
ERROR = re.compile(r"potstill: error:|^\s*(?P<name>figures|report): (?P<path>/.*)$")


class RunLog(io.TextIOBase):
    """Stands in for stdout while KFP's local runner works."""

    def __init__(self, path: Path, screen: TextIO | None = None) -> None:
        """Write everything to `path`, and what a person wants to see to `screen`."""
        super().__init__()
        self._file = path.open("w", encoding="utf-8")
        self._screen = screen or sys.stderr
        self._rest = ""
        self._began: dict[str, float] = {}
        self.ran: set[str] = set()  # tasks that were run, and not taken from the cache
        self._open_line = False
        self.places: dict[str, Path] = {}  # what a failed gate tells of the report

    def write(self, text: str) -> int:
        """Take text as it comes, and act on whole lines."""
        self._file.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(COLOURS.sub("", line))
        return len(text)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._open_line:
            self._show("")
        super().close()  # flushes, so the file is closed after it
        self._file.close()

    def _line(self, line: str) -> None:
        if started := STARTED.search(line):
            self._began[started["task"]] = time.monotonic()
            self.ran.add(started["task"])
            self._show(f"▸ {started['task']}")
        elif ended := ENDED.search(line):
            seconds = time.monotonic() - self._began.pop(ended["task"], time.monotonic())
            outcome = "done" if ended["status"] == "SUCCESS" else "FAILED"
            self._show(f"  {ended['task']}: {outcome} in {seconds:.1f} s")
        elif error := ERROR.search(line):
            self._show(line.strip())
            if error["name"]:
                self.places[error["name"]] = Path(error["path"])
        elif told := TOLD.match(line):
            self._show(f"  {told['what']}")
        elif PROGRESS.search(line):
            self._show(f"  {line.strip()}", passing=True)

    def _show(self, line: str, *, passing: bool = False) -> None:
        """Print a line; on a terminal a passing one is overwritten by the next."""
        terminal = self._screen.isatty()
        clear = "\r\x1b[K" if self._open_line else ""
        self._open_line = passing and terminal
        self._screen.write(f"{clear}{line}{'' if self._open_line else chr(10)}")
        self._screen.flush()
