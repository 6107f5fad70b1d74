"""Where checkpoints and artifacts are kept: `file:///absolute/folder` or `s3://bucket/prefix`, used alike."""

from pathlib import Path
from urllib.parse import unquote

from potstill.errors import OptionError
from potstill.store.bucket import BucketPlace
from potstill.store.disk import DiskPlace
from potstill.store.place import Place
from potstill.store.s3 import is_s3, masked, split

FILE = "file://"

__all__ = ["Place", "open_place"]


def open_place(uri: str) -> Place:
    """Open a place; it need not exist yet, and for `file://` boto3 need not be installed.

    Args:
        uri: `file:///absolute/folder` (percent-encoded, as `Path.as_uri` gives it), `s3://bucket` or
            `s3://bucket/prefix`.

    Raises:
        OptionError: another scheme, a relative folder, or no bucket.
        InputError: boto3 is not installed, or does not take what the AWS variables say.
    """
    check_place(uri)
    if is_s3(uri):
        return BucketPlace(uri.rstrip("/"), *split(uri))
    return DiskPlace(uri.rstrip("/"), Path(unquote(uri.removeprefix(FILE))))


def check_place(uri: str) -> None:
    """Refuse what names no place; whether it can be reached is not asked.

    Raises:
        OptionError: another scheme, a relative folder, or no bucket.
    """
    if is_s3(uri):
        split(uri)
        return
    folder = unquote(uri.removeprefix(FILE))
    if not uri.startswith(FILE) or not folder.startswith("/") or not folder.strip("/") or "\0" in folder:
        raise OptionError(f"{masked(uri)!r} is no place; pass file:///absolute/folder or s3://bucket/prefix")
