"""What lies at an `s3://` URI, the one object of that key or all objects below it; to be streamed, or fetched."""

from pathlib import Path, PurePosixPath
from typing import Any

from potstill.errors import InputError
from potstill.store.objects import StoredObject
from potstill.store.s3 import SCHEME, code_of, connect, list_objects, split, telling


def find_objects(uri: str) -> dict[str, StoredObject]:
    """Find the object of exactly this key, else those below it; `data` is no prefix of `data2/x`.

    A single object is asked for without listing, so that it needs no right but s3:GetObject.

    Args:
        uri: `s3://bucket/key` for one object; `s3://bucket/prefix` or `s3://bucket` for all below it.

    Returns: the objects by their path below the prefix; a single one has the path "".

    Raises:
        OptionError: no bucket in the URI.
        InputError: no such bucket, no object there, no credentials, no access, or no S3 store.
    """
    bucket, key = split(uri)
    client = connect(uri)
    with telling(uri):
        found = _alone(client, uri, bucket, key) or _below(client, bucket, key)
    if not found:
        raise InputError(f"{uri} holds no object; list what is there with `aws s3 ls s3://{bucket}/`")
    return found


def fetch(uri: str, folder: Path) -> list[Path]:
    """Download one object, or every object below a prefix, with the store's own path below the prefix.

    Args:
        uri: as of `find_objects`.
        folder: where the files go; it must exist.

    Returns: the files written, sorted by path.

    Raises:
        OptionError: no bucket in the URI.
        InputError: as of `find_objects`, or a key that would lead out of the folder.
    """
    places = {_inside(folder, below, each): each for below, each in find_objects(uri).items()}
    for place, each in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        with telling(each.uri):
            each.client.download_file(each.bucket, each.key, str(place))
    return sorted(places)


def _inside(folder: Path, below: str, stored: StoredObject) -> Path:
    """Where an object lies below `folder`; a key that would climb out of it is refused."""
    parts = [part for part in below.split("/") if part] or [PurePosixPath(stored.key).name]
    if ".." in parts:
        raise InputError(f"object {stored.key!r} has '..' in its key; rename it in the store")
    return folder.joinpath(*parts)


def _alone(client: Any, uri: str, bucket: str, key: str) -> dict[str, StoredObject]:
    """The object of exactly this key, if there is one."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 (as in s3.py)

    if not key or key.endswith("/"):
        return {}
    try:
        return {"": StoredObject.found(uri, bucket, key, client)}
    except ClientError as refused:
        # Rights to all below a prefix are none to an object of its name: where there is such a folder, it is meant.
        if code_of(refused) == "NoSuchKey" or (code_of(refused) == "AccessDenied" and _below(client, bucket, key)):
            return {}
        raise


def _below(client: Any, bucket: str, key: str) -> dict[str, StoredObject]:
    root = f"{key.rstrip('/')}/" if key.rstrip("/") else ""
    return {
        each["Key"].removeprefix(root): StoredObject(
            f"{SCHEME}{bucket}/{each['Key']}", bucket, each["Key"], each["Size"], each["ETag"], client
        )
        for each in list_objects(client, bucket, root)
    }
