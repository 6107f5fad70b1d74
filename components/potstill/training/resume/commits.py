"""Checkpoints in a store: the blobs first, the commit that names their digests last, and read back only when whole."""

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256

from potstill.errors import InputError, MissingError
from potstill.progress import tell
from potstill.store.places import Place

COMMIT = "COMMIT.json"
KEPT = 2  # the newest may turn out torn
NAME = re.compile(r"\d[\w-]*")  # of a checkpoint; nothing else in the folder is ours to delete


class _RefusedError(InputError):
    """A checkpoint that is not whole, or not of this work."""


class Commits:
    """The checkpoints of one training in a place, by names that sort in their order."""

    def __init__(self, place: Place, folder: str, work: str) -> None:
        """Look at a folder of a place.

        Args:
            place: where it is.
            folder: key of the folder.
            work: digest of what the training is made of; a checkpoint of other work is refused.
        """
        self.place, self.folder, self.work = place, folder, work
        self._training = folder.rpartition("/")[2]  # a run's trainings are of one work, and of different models

    def where(self, name: str) -> str:
        """URI of a checkpoint."""
        return f"{self.place.uri}/{self.folder}/{name}"

    def write(self, name: str, blobs: Iterable[tuple[str, bytes]]) -> None:
        """Keep a checkpoint, and of the older ones the newest.

        Args:
            name: of the checkpoint.
            blobs: names and contents, taken one at a time: memory need not hold all of them.

        Raises:
            InputError: the store refuses.
        """
        files = {}
        for blob, data in blobs:
            self.place.write(f"{self.folder}/{name}/{blob}", data)
            files[blob] = {"bytes": len(data), "sha256": sha256(data).hexdigest()}
        commit = {"work": self.work, "training": self._training, "name": name, "files": files}
        self.place.write(f"{self.folder}/{name}/{COMMIT}", json.dumps(commit, indent=1).encode())
        try:
            self._forget_all_but(name)
        except InputError as refused:  # this checkpoint is kept nevertheless
            tell(f"checkpoints before {self.where(name)} could not be deleted: {refused}")

    def whole(self) -> Iterator[tuple[str, dict[str, bytes]]]:
        """Yield the checkpoints that are whole, the newest first: name and blobs.

        One that is torn, changed or of another training is refused, in a line on stderr.

        Raises:
            InputError: the store does not answer, which is no reason to begin anew and to forget what it holds.
        """
        keys = self.place.keys(self.folder)
        for name in self._committed(keys):
            try:
                yield name, self._read(name, keys)
            except (_RefusedError, MissingError) as refused:  # missing: another process deletes at this moment
                self.refuse(name, str(refused))

    def refuse(self, name: str, why: str) -> None:
        """Say that a checkpoint is not taken."""
        tell(f"checkpoint {self.where(name)} is refused: {why}")

    def _read(self, name: str, keys: list[str]) -> dict[str, bytes]:
        text = self.place.read(f"{self.folder}/{name}/{COMMIT}")
        try:
            commit = json.loads(text)
            of = (commit["work"], commit["training"], commit["name"])
            files = {blob: (each["bytes"], each["sha256"]) for blob, each in commit["files"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as broken:
            raise _RefusedError(f"its {COMMIT} is none ({broken!r})") from broken
        if of != (self.work, self._training, name):
            raise _RefusedError("it is of another training")
        if lacking := [blob for blob in files if f"{self.folder}/{name}/{blob}" not in keys]:
            raise _RefusedError(f"it lacks {', '.join(lacking)}")
        return {blob: self._whole(name, blob, *wanted) for blob, wanted in files.items()}

    def _whole(self, name: str, blob: str, size: int, digest: str) -> bytes:
        data = self.place.read(f"{self.folder}/{name}/{blob}")
        if (len(data), sha256(data).hexdigest()) != (size, digest):
            raise _RefusedError(f"its {blob} is torn or was changed")
        return data

    def _forget_all_but(self, newest: str) -> None:
        """Delete all but the newest; what stands behind `newest` was refused when training was taken up."""
        keys = self.place.keys(self.folder)
        kept = [name for name in self._committed(keys) if name <= newest][:KEPT]
        gone = [key for key in keys if self._name_of(key) not in ("", *kept)]
        # The commits go first: what is left of a deletion that was cut short must not look whole.
        self.place.delete(sorted(gone, key=lambda key: not key.endswith(f"/{COMMIT}")))

    def _committed(self, keys: list[str]) -> list[str]:
        """Names with a commit, the newest first."""
        return sorted({self._name_of(key) for key in keys if key.endswith(f"/{COMMIT}")} - {""}, reverse=True)

    def _name_of(self, key: str) -> str:
        """The checkpoint that a key belongs to; empty for a file of somebody else's."""
        name, inside, _ = key.removeprefix(f"{self.folder}/").partition("/")
        return name if inside and NAME.fullmatch(name) else ""
