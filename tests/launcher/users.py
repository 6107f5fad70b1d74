"""A store with two users, as a cluster has them: an owner of all, and one that pods are, with a bucket's policy."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from tests.launcher.transfer import Store, open_store
from tests.radosgw import Server, serving

BUCKET, FOREIGN = "pipelines", "somebody-elses"
RUNS, DATA = "runs", "data"  # prefixes: pods write below the first, and only read below the second
PODS, OWNER = "pods", "test"  # users; the latter is tests/radosgw.py's


@dataclass(frozen=True)
class Shared:
    """A store that two users share.

    Attributes:
        owner: has both buckets, and all rights.
        pods: has none but what the policy of BUCKET says.
    """

    owner: Store
    pods: Store

    @property
    def secrets(self) -> list[bytes]:
        """The keys' secret halves, which must be nowhere."""
        return [each.server.secret_key.encode() for each in (self.owner, self.pods)]


@contextmanager
def shared_store(folder: Path) -> Iterator[Shared]:
    """Run a store while the block runs.

    Args:
        folder: an empty folder for its files.
    """
    with serving(folder) as server:
        owner, pods = open_store(server), open_store(_add_user(folder, server.endpoint))
        for bucket in (BUCKET, FOREIGN):
            owner.client.create_bucket(Bucket=bucket)
        owner.client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
        yield Shared(owner, pods)


def _allow(user: str, actions: str, *resources: str, **conditions: object) -> dict[str, object]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam:::user/{user}"]},
        "Action": [f"s3:{action}" for action in actions.split()],
        "Resource": [f"arn:aws:s3:::{resource}" for resource in resources],
        **conditions,
    }


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        _allow(PODS, "GetObject", f"{BUCKET}/{RUNS}/*", f"{BUCKET}/{DATA}/*"),
        _allow(PODS, "PutObject DeleteObject", f"{BUCKET}/{RUNS}/*"),
        _allow(PODS, "ListBucket", BUCKET, Condition={"StringLike": {"s3:prefix": [f"{RUNS}/*", f"{DATA}/*"]}}),
        _allow(OWNER, "GetObject PutObject DeleteObject", f"{BUCKET}/*"),  # an object is its writer's, not the bucket's
    ],
}


def _add_user(folder: Path, endpoint: str) -> Server:
    keys = (token_hex(10), token_hex(20))
    named = ["--uid", PODS, "--display-name", PODS, "--access-key", keys[0], "--secret-key", keys[1]]
    command = ["radosgw-admin", "--conf", str(folder / "ceph.conf"), "user", "create", *named]
    subprocess.run(command, capture_output=True, check=True)
    return Server(endpoint, *keys)
