"""Between a bucket and a pod's files, as the launcher copies them: one object after another, and nothing is checked.

Source: kubeflow/pipelines, backend/src/v2/objectstore/object_store.go (DownloadBlob, UploadBlob, isBlobKeyUnderPrefix)
and component/launcher_v2.go (LocalPathForURI). What follows from it: a prefix that holds nothing downloads nothing, and
no error; objects that an earlier attempt left come along; a file that was not written is not missed.
"""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
from botocore.config import Config

from tests.radosgw import Server

SCHEME = "s3://"


@dataclass(frozen=True)
class Store:
    """A store as one user sees it.

    Attributes:
        client: boto3's, with that user's keys.
        server: where it is, and the keys.
    """

    client: Any
    server: Server

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which boto3 finds the store in a pod, as `secretKeyRef`s set them there."""
        return {
            "AWS_ENDPOINT_URL": self.server.endpoint,
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def keys(self, uri: str) -> list[str]:
        """List the keys of the object or the objects below a prefix."""
        bucket, key = split(uri)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        found = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return [each for each in found if not key or each == key or each.startswith(f"{key.rstrip('/')}/")]

    def read(self, uri: str) -> bytes:
        """Return one object's bytes."""
        bucket, key = split(uri)
        return bytes(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def write(self, uri: str, data: bytes) -> None:
        """Write one object."""
        bucket, key = split(uri)
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def download(self, uri: str, pod: Path) -> Path:
        """Copy a prefix's objects below a pod's root; → where the component looks for them, be something there or not.

        Raises:
            ClientError: the store refused.
        """
        bucket, prefix = split(uri)
        folder = pod / local(uri)
        for key in self.keys(uri):
            path = folder / PurePosixPath(key).relative_to(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                self.client.download_fileobj(bucket, key, file)
        return folder

    def upload(self, path: Path, uri: str) -> list[str]:
        """Copy a file, or a folder file by file by their names; → the URIs. What is not there is not missed.

        Raises:
            ClientError: the store refused.
        """
        if path.is_dir():
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
            return [each for entry in entries for each in self.upload(Path(entry.path), f"{uri}/{entry.name}")]
        if not path.exists():
            return []
        with path.open("rb") as file:
            self.client.upload_fileobj(file, *split(uri))
        return [uri]


def open_store(server: Server) -> Store:
    """Open a store with a user's keys, as the launcher does: checksums only where the protocol asks for them."""
    settings = Config(
        retries={"mode": "standard", "max_attempts": 3},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    session = boto3.Session(region_name="us-east-1", **keys)
    return Store(session.client("s3", endpoint_url=server.endpoint, config=settings), server)


def split(uri: str) -> tuple[str, str]:
    """Split a URI into its bucket and key."""
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    return bucket, key


def local(uri: str) -> str:
    """Where a URI's files are below a pod's root: s3://bucket/key → s3/bucket/key."""
    return f"s3/{uri.removeprefix(SCHEME)}"
