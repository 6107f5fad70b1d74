"""Fixtures of a real S3 server, for any test. It is started by the first test that asks for it, in about 1.5 s.

    radosgw         the server itself: `.endpoint`, `.access_key`, `.secret_key`; one for each pytest process
    s3_environment  the same, and the AWS_* variables point to it, for this process and for those it starts
    s3_bucket       a new, empty bucket on it, as `s3://bucket`; the variables point to it too
    moto            a second server, light and lenient, which is wherever the tests are
    place           an empty Place: of a disk, of radosgw and of moto, one after another

    @pytest.mark.s3
    def test_it(s3_bucket, tmp_path):
        subprocess.run(["potstill", "teacher-train", "--checkpoint-uri", f"{s3_bucket}/checkpoints", …])

Without Ceph's programs such tests are skipped; under POTSTILL_REQUIRE_SERVERS=1 they fail.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from potstill.store.places import Place, open_place
from tests.radosgw import PACKAGES, Server, missing_programs, serving


@pytest.fixture(scope="session")
def radosgw() -> Iterator[Server]:
    """A radosgw, as long as the tests run."""
    if missing := missing_programs():
        why = f"{', '.join(missing)} not found; apt-get install --no-install-recommends {PACKAGES}"
        (pytest.fail if os.environ.get("POTSTILL_REQUIRE_SERVERS") == "1" else pytest.skip)(why)
    with tempfile.TemporaryDirectory(prefix="radosgw-") as folder, serving(Path(folder)) as server:
        yield server


@pytest.fixture(scope="session")
def moto() -> Iterator[Server]:
    """A moto, as long as the tests run; it does not look at who asks."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Server(f"http://{host}:{port}", "key", "secret")
    server.stop()


@pytest.fixture
def s3_environment(radosgw: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, found only by the standard AWS variables."""
    point_to(radosgw, monkeypatch)
    return radosgw


@pytest.fixture
def s3_bucket(s3_environment: Server) -> str:
    """A new bucket, as `s3://bucket`."""
    return new_bucket()


@pytest.fixture(params=["disk", "radosgw", "moto"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty place, whose URI has a space and Chinese characters."""
    if request.param == "disk":
        return open_place((tmp_path / "a place" / "学生").as_uri())
    point_to(request.getfixturevalue(request.param), monkeypatch)
    return open_place(f"{new_bucket()}/a place/学生")


def point_to(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the AWS variables for a server, and no others."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def new_bucket() -> str:
    """Make a bucket where the AWS variables point to; return `s3://bucket`."""
    import boto3

    name = f"test-{uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"
