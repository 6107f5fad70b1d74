"""Data given as `s3://bucket/key` or `s3://bucket/prefix`, from any S3-compatible store.

The endpoint, region and credentials come from the standard AWS variables and files (AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, AWS_PROFILE, …); boto3 reads them and retries by itself. It is imported when a store is spoken to.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from potstill.errors import InputError, OptionError

SCHEME = "s3://"
MISSING_BUCKET = ("NoSuchBucket", "404")
REFUSED = ("AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch")
USER = re.compile(r"//[^/@\s]*@")
CONNECT_SECONDS = 10  # botocore's own 60, thrice, would be three minutes for a host that swallows packets


def is_s3(source: str) -> bool:
    """Tell whether a source is an S3 URI."""
    return source.startswith(SCHEME)


def split(uri: str) -> tuple[str, str]:
    """Split an S3 URI into its bucket and what follows, which stays as it is written: S3 URIs have no escapes.

    Raises:
        OptionError: no bucket in the URI.
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if "@" in bucket:
        raise OptionError(
            f"{masked(uri)} has credentials in it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and pass s3://bucket/…"
        )
    if not bucket:
        raise OptionError(f"{uri} names no bucket; wanted is s3://bucket/key or s3://bucket/prefix")
    return bucket, key


def masked(text: str) -> str:
    """Return a text without the user and password that a URL in it may carry."""
    return USER.sub("//***@", text)


def connect(uri: str) -> Any:
    """Make a client, which several threads may use.

    Raises:
        InputError: boto3 is not installed, or does not take what the AWS variables and files say.
    """
    try:
        import boto3  # noqa: PLC0415 (a third of a second that only stores are worth)
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise InputError(f"{uri} needs boto3, which is not installed; pip install boto3") from None
    with telling(uri):
        settings = Config(retries={"mode": "standard"}, connect_timeout=CONNECT_SECONDS)
        return boto3.Session().client("s3", config=settings)


@contextmanager
def telling(uri: str) -> Iterator[None]:
    """Turn what boto3 raises into one line that names the URI and the way out."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    from s3transfer.exceptions import RetriesExceededError  # noqa: PLC0415

    try:
        yield
    # ValueError: an endpoint that is no URL; RetriesExceededError: a download that broke off again and again
    except (BotoCoreError, Boto3Error, ClientError, RetriesExceededError, ValueError) as refused:
        raise InputError(_explain(uri, refused)) from refused


def code_of(refused: Exception) -> str:
    """Return S3's name for an error; empty when it did not come from the store."""
    answer = getattr(refused, "response", None) or {}  # botocore's ConnectionClosedError has a None there
    return str(answer.get("Error", {}).get("Code", ""))


def list_keys(client: Any, bucket: str, prefix: str) -> list[str]:
    """List the objects whose keys begin with `prefix`, without the empty objects that some tools make for folders."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [each["Key"] for page in pages for each in page.get("Contents", ()) if not each["Key"].endswith("/")]


def fetch(uri: str, folder: Path) -> list[Path]:
    """Download one object, or every object below a prefix, with the store's own path below the prefix.

    Args:
        uri: `s3://bucket/key` for one object; `s3://bucket/prefix` or `s3://bucket` for all below it.
        folder: where the files go; it must exist.

    Returns: the files written, sorted by path.

    Raises:
        OptionError: no bucket in the URI.
        InputError: no such bucket, no object there, no credentials, or no access.
    """
    bucket, key = split(uri)
    client = connect(uri)
    with telling(uri):
        places = {name: _inside(folder, name, key) for name in _named(client, bucket, key)}
        for name, place in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, name, str(place))
    if not places:
        raise InputError(f"{uri} holds no object; list what is there with `aws s3 ls s3://{bucket}/`")
    return sorted(places.values())


def _named(client: Any, bucket: str, key: str) -> list[str]:
    """The object of exactly this key, else the objects below it as a folder; `data` is no prefix of `data2/x`."""
    prefix = key.rstrip("/")
    found = list_keys(client, bucket, prefix)
    if key in found:
        return [key]
    return [name for name in found if not prefix or name.startswith(f"{prefix}/")]


def _inside(folder: Path, name: str, key: str) -> Path:
    """Where an object lies below `folder`; a key that would climb out of it is refused."""
    below = name.removeprefix(key.rstrip("/")).lstrip("/") or PurePosixPath(name).name
    if ".." in PurePosixPath(below).parts:
        raise InputError(f"object {name!r} has '..' in its key; rename it in the store")
    return folder / below


def _explain(uri: str, refused: Exception) -> str:
    bucket, code = split(uri)[0], code_of(refused)
    if type(refused).__name__ == "NoCredentialsError":
        return f"{uri}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if code in MISSING_BUCKET:
        return f"{uri}: there is no bucket {bucket!r}; check the name and AWS_ENDPOINT_URL"
    if code in REFUSED:
        return f"{uri}: access refused ({code}); check the credentials and their rights to bucket {bucket!r}"
    said = masked(" ".join(str(refused).split()))
    return f"{uri}: {said}; check AWS_ENDPOINT_URL and the network"
