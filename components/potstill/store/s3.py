"""Data given as `s3://bucket/key` or `s3://bucket/prefix`, from any S3-compatible store.

The endpoint, region and credentials come from the standard AWS variables and files (AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, AWS_PROFILE, …); boto3 reads them and retries by itself.
"""

from pathlib import Path, PurePosixPath
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from potstill.errors import InputError

SCHEME = "s3://"
MISSING_BUCKET = ("NoSuchBucket", "404")
REFUSED = ("AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch")


def is_s3(source: str) -> bool:
    """Tell whether a source is an S3 URI."""
    return source.startswith(SCHEME)


def fetch(uri: str, folder: Path) -> list[Path]:
    """Download one object, or every object below a prefix, with the store's own path below the prefix.

    Args:
        uri: `s3://bucket/key` for one object; `s3://bucket/prefix` or `s3://bucket` for all below it.
        folder: where the files go; it must exist.

    Returns: the files written, sorted by path.

    Raises:
        InputError: no bucket in the URI, no such bucket, no object there, no credentials, or no access.
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise InputError(f"{uri} names no bucket; wanted is s3://bucket/key or s3://bucket/prefix")
    try:
        client = boto3.Session().client("s3", config=Config(retries={"mode": "standard"}))
        places = {name: _inside(folder, name, key) for name in _keys(client, bucket, key)}
        for name, place in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, name, str(place))
    except (BotoCoreError, ClientError) as refused:
        raise InputError(_explain(uri, bucket, refused)) from refused
    if not places:
        raise InputError(f"{uri} holds no object; list what is there with `aws s3 ls s3://{bucket}/`")
    return sorted(places.values())


def _keys(client: Any, bucket: str, key: str) -> list[str]:
    """The object of exactly this key, else the objects below it as a folder; `data` is no prefix of `data2/x`."""
    prefix = key.rstrip("/")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [each["Key"] for page in pages for each in page.get("Contents", ())]
    if key in found and not key.endswith("/"):
        return [key]
    return [name for name in found if not name.endswith("/") and (not prefix or name.startswith(f"{prefix}/"))]


def _inside(folder: Path, name: str, key: str) -> Path:
    """Where an object lies below `folder`; a key that would climb out of it is refused."""
    below = name.removeprefix(key.rstrip("/")).lstrip("/") or PurePosixPath(name).name
    if ".." in PurePosixPath(below).parts:
        raise InputError(f"object {name!r} has '..' in its key; rename it in the store")
    return folder / below


def _explain(uri: str, bucket: str, refused: Exception) -> str:
    if isinstance(refused, NoCredentialsError):
        return f"{uri}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    code = refused.response.get("Error", {}).get("Code", "") if isinstance(refused, ClientError) else ""
    if code in MISSING_BUCKET:
        return f"{uri}: there is no bucket {bucket!r}; check the name and AWS_ENDPOINT_URL"
    if code in REFUSED:
        return f"{uri}: access refused ({code}); check the credentials and their rights to list and read {bucket!r}"
    return f"{uri} cannot be read: {refused}; check AWS_ENDPOINT_URL and the network"
