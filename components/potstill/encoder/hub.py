"""One pinned commit of a Hugging Face hub repository: data files only, so no remote code can come along."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from huggingface_hub.utils import reset_sessions  # type: ignore[attr-defined]

from potstill.encoder.tokenizer import TOKENIZER_FILES
from potstill.errors import InputError

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
COMMIT = re.compile(r"[0-9a-f]{40}")
FILES = ("config.json", "model.safetensors", "vocab.json", "merges.txt", *TOKENIZER_FILES)


def fetch_snapshot(repository: str, revision: str, folder: Path) -> None:
    """Download the checkpoint files of one commit; the hub's endpoint, token and cache are the user's own (HF_…).

    Args:
        repository: `organisation/name`.
        revision: the commit, 40 hexadecimal digits; a branch or tag may move and is refused.
        folder: where the files go.

    Raises:
        InputError: no commit given, or the hub does not have it, refuses it or cannot be reached.
    """
    if not COMMIT.fullmatch(revision):
        raise InputError(
            f"{repository} is a hub id and needs a commit of 40 hexadecimal digits, got {revision!r}; "
            "pass --revision with the commit that the repository's history shows"
        )
    try:
        with _online():
            snapshot_download(
                repository,
                revision=revision,
                local_dir=folder,
                allow_patterns=list(FILES),
                endpoint=os.environ.get("HF_ENDPOINT"),  # as it is now, not as it was when the library was imported
            )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as refused:
        said = str(refused).strip().splitlines()[0]
        raise InputError(
            f"the hub does not give {repository} at {revision} ({said}); check id, commit, HF_TOKEN and the network, "
            "or pass a local folder"
        ) from refused


@contextmanager
def _online() -> Iterator[None]:
    """Open the hub for this one download; stages keep it shut (encoder/checkpoint.py sets HF_HUB_OFFLINE)."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = False
    reset_sessions()  # a session made while offline refuses everything for good
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        reset_sessions()
