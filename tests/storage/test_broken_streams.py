"""What may go wrong while a table is streamed: it goes on where that is right, else ends in one line."""

import json
import logging
import os
import re
import subprocess
import sys
import time
from functools import partial
from uuid import uuid4

import pytest

from potstill.errors import InputError
from potstill.store import objects, s3
from potstill.store.finding import find_objects
from potstill.tokenize import TokenizeConfig, tokenize_table
from tests.storage.breaking_proxy import break_after, breaking, hang, refuse, say, stall_after, without

pytestmark = pytest.mark.s3
ROWS = 20_000
BODY = ("text,label\n" + "".join(f"国足热身赛{number},{number % 2}\n" for number in range(ROWS))).encode()


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(objects, "BLOCK_BYTES", 1 << 17)
    monkeypatch.setattr(objects, "LONGEST_WAIT", 0.01)


@pytest.fixture
def client(s3_environment):
    """Speaks to the server itself."""
    import boto3

    return boto3.client("s3", endpoint_url=s3_environment.endpoint)


@pytest.fixture
def proxy(s3_environment, monkeypatch):
    """What all but `client` speak to."""
    with breaking(s3_environment.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy


@pytest.fixture
def uri(client, proxy):
    """A table in a bucket, which is asked for through the proxy."""
    assert proxy.asked == []
    bucket = f"test-{uuid4().hex[:12]}"
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="t.csv", Body=BODY)
    return f"s3://{bucket}/t.csv"


def put(client, uri, body):
    """Write the object over."""
    bucket, key = s3.split(uri)
    client.put_object(Bucket=bucket, Key=key, Body=body)


@pytest.fixture
def refusal(tmp_path, tokenizer_folder, s3_environment, caplog):
    """→ the one line in which tokenize refuses a URI, having left nothing and told no secret."""

    def refused_line(uri):
        out = tmp_path / "out"
        with caplog.at_level(logging.DEBUG, "potstill"), pytest.raises(InputError) as refused:
            tokenize_table(uri, tokenizer_folder, out, TokenizeConfig())
        said = str(refused.value)
        assert "\n" not in said
        assert not out.exists()
        for secret in (s3_environment.secret_key, os.environ.get("AWS_SECRET_ACCESS_KEY") or "none"):
            assert secret not in said + caplog.text
        return said

    return refused_line


def body_of(uri):
    [stored] = find_objects(uri).values()
    with stored.open() as stream:
        return stream.readall()


def test_a_body_that_breaks_off_goes_on_from_there(proxy, uri):
    """At the byte behind the last that came."""
    breaks = iter([break_after(100_003), break_after(200_000)])
    proxy.fault = lambda asked: next(breaks, None) if asked.conditional else None
    assert body_of(uri) == BODY
    assert [each.first for each in proxy.asked] == [0, 0, 100_003, 300_003]


def test_a_whole_run_over_a_connection_that_often_breaks(proxy, uri, tmp_path, tokenizer_folder):
    proxy.fault = lambda asked: break_after(60_000) if asked.conditional and len(proxy.asked) % 2 else None
    measures = tokenize_table(uri, tokenizer_folder, tmp_path / "out", TokenizeConfig())
    assert measures["rows_train"] + measures["rows_validation"] + measures["rows_test"] == ROWS


@pytest.mark.parametrize(("attempts", "variable"), [(3, ""), (5, "5"), (1, "1")])
def test_a_body_that_always_breaks_off_ends_after_as_many_attempts(
    proxy, uri, refusal, monkeypatch, attempts, variable
):
    if variable:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", variable)
    proxy.fault = lambda asked: break_after(10) if asked.conditional else None
    said = refusal(uri)
    assert said.startswith(f"{uri}: the connection broke off at byte {10 * attempts} of {len(BODY)}")
    assert said.endswith("check AWS_ENDPOINT_URL and the network, or raise AWS_MAX_ATTEMPTS")
    assert [each.first for each in proxy.asked[1:]] == [10 * attempt for attempt in range(attempts)]


def test_a_busy_store_is_asked_again(proxy, uri):
    refusals = iter([refuse(503, "SlowDown")] * 2)
    proxy.fault = lambda asked: next(refusals, None) if asked.conditional else None
    assert body_of(uri) == BODY


def test_a_store_that_stays_busy_is_one_line(proxy, uri, refusal):
    proxy.fault = lambda asked: refuse(503, "SlowDown") if asked.conditional else None
    assert "the store is too busy" in (said := refusal(uri))
    assert said.endswith("run again later, or raise AWS_MAX_ATTEMPTS")
    assert len(proxy.asked) == 4


def test_retries_are_those_that_the_variables_name(s3_bucket, monkeypatch):
    assert s3.connect(s3_bucket).meta.config.retries["mode"] == "standard"
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    assert s3.connect(s3_bucket).meta.config.retries == {"mode": "adaptive", "total_max_attempts": 7}


@pytest.mark.parametrize("fault", [hang, partial(stall_after, 10)])
def test_a_server_that_hangs_ends_in_time(proxy, uri, refusal, monkeypatch, fault):
    monkeypatch.setattr(s3, "READ_SECONDS", 0.5)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    proxy.fault = lambda asked: fault(5) if asked.conditional else None
    began = time.monotonic()
    assert "AWS_ENDPOINT_URL" in refusal(uri)
    assert time.monotonic() - began < 4.5  # two attempts of half a second, and a wait of at most one
    assert len(proxy.asked) == 3


@pytest.mark.parametrize("at", [2, 8], ids=["in the first pass", "in the second"])
@pytest.mark.parametrize("body", [BODY[:-2] + b"9\n", BODY + BODY[11:], BODY[: len(BODY) // 2], b""])
def test_an_object_that_changes_is_refused(client, proxy, uri, refusal, at, body):
    """As is one that another length, or nothing, has been put in the place of."""

    def change(_):
        if len(proxy.asked) == at:
            put(client, uri, body)

    proxy.fault = change
    assert refusal(uri) == f"{uri} was changed while it was read; run again when nobody writes there"


def test_an_object_that_is_deleted_is_refused(client, proxy, uri, refusal):
    bucket, key = s3.split(uri)
    proxy.fault = lambda _: client.delete_object(Bucket=bucket, Key=key) and None if len(proxy.asked) == 4 else None
    assert refusal(uri) == f"{uri} was deleted while it was read; run again when nobody writes there"


def test_a_store_that_ignores_conditions_is_seen_by_its_etag(client, proxy, uri, monkeypatch):
    [stored] = find_objects(uri).values()
    put(client, uri, BODY[::-1])
    monkeypatch.setattr(stored.client, "get_object", lambda IfMatch, **asked: client.get_object(**asked))  # noqa: ARG005,N803
    with pytest.raises(InputError, match="was changed while it was read"):
        stored.open().read(10)


def test_a_store_that_ignores_ranges_is_refused(proxy, uri, refusal):
    proxy.fault = lambda asked: without("Content-Range") if asked.conditional else None
    assert "the store gives all of it; check that AWS_ENDPOINT_URL is S3" in refusal(uri)


@pytest.mark.parametrize("status", [200, 404, 405, 500, 503])
@pytest.mark.parametrize("page", [b"<html>Welcome</html>", b"<!doctype html><p>Welcome", b""])
@pytest.mark.parametrize("key", ["t.csv", ""])
def test_a_server_that_is_no_s3_is_refused(proxy, uri, refusal, monkeypatch, status, page, key):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    proxy.fault = lambda _: say(status, page)
    said = refusal(uri.removesuffix("t.csv") + key)
    assert "AWS_ENDPOINT_URL" in said or "the store is too busy" in said
    assert len(said) < 600


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("http://127.0.0.1:9", r"\(Connection refused\)"),
        ("http://nowhere.invalid", r"\((Name or service not known|Temporary failure in name resolution|.*)\)"),
        ("https://127.0.0.1:{port}", "SSL"),
    ],
)
def test_a_wrong_endpoint_is_refused(proxy, uri, refusal, monkeypatch, endpoint, message):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.format(port=proxy.endpoint.rpartition(":")[2]))
    said = refusal(uri)
    assert re.search(message, said)
    assert said.endswith("check AWS_ENDPOINT_URL and the network")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("AWS_ACCESS_KEY_ID", "(InvalidAccessKeyId): the store does not know this key; check AWS_ACCESS_KEY_ID"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "(SignatureDoesNotMatch): the secret is not that of the key; check AWS_SECRET_ACCESS_KEY",
        ),
    ],
)
@pytest.mark.parametrize("key", ["t.csv", ""])
@pytest.mark.usefixtures("proxy")
def test_wrong_credentials_are_told_apart(uri, refusal, monkeypatch, name, message, key):
    monkeypatch.setenv(name, "a-wrong-one")
    assert message in refusal(uri.removesuffix("t.csv") + key)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("{bucket}/T.csv", r"/T\.csv holds no object; list what is there"),
        ("{bucket}/t.csv/", r"/t\.csv/ holds no object"),
        ("{bucket}x/t.csv", r"there is no bucket '.*x'; check the name"),
    ],
)
def test_a_wrong_name_is_refused(uri, refusal, place, message):
    assert re.search(message, refusal(place.format(bucket=uri.removesuffix("/t.csv"))))


def forbid(client, uri, actions, below="*"):
    """Let a bucket's policy deny actions to everybody."""
    bucket = s3.split(uri)[0]
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{below}"]
    denial = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resources}
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [denial]}))


def test_an_object_that_may_not_be_read_is_named(client, uri, refusal):
    folder = uri.removesuffix("/t.csv")
    put(client, f"{folder}/secret.csv", BODY)
    forbid(client, uri, ["s3:GetObject"], "secret.csv")
    for place in (f"{folder}/secret.csv", folder):
        said = refusal(place)
        assert said.startswith(f"{folder}/secret.csv: access refused (AccessDenied); the credentials need s3:GetObject")


def test_a_single_object_needs_no_right_to_list(client, uri, tmp_path, tokenizer_folder, refusal):
    forbid(client, uri, ["s3:ListBucket"])
    assert "s3:ListBucket" in refusal(uri.removesuffix("t.csv"))
    assert tokenize_table(uri, tokenizer_folder, tmp_path / "out", TokenizeConfig())["rows_train"] > 0


def test_a_folder_needs_no_right_to_an_object_of_its_name(client, uri, tmp_path, tokenizer_folder):
    folder = uri.removesuffix("/t.csv")
    put(client, f"{folder}/set/t.csv", BODY)
    forbid(client, uri, ["s3:GetObject"], "set")
    assert tokenize_table(f"{folder}/set", tokenizer_folder, tmp_path / "out", TokenizeConfig())["rows_train"] > 0


@pytest.mark.parametrize("at", [2, 3, 4, 5], ids=["digest", "first bytes", "names", "rows"])
def test_the_command_line_is_one_line_and_exit_code_2(proxy, uri, tmp_path, tokenizer_folder, at):
    """Also where pyarrow's thread is reading when the store refuses."""
    proxy.fault = lambda _: refuse(403, "AccessDenied") if len(proxy.asked) >= at else None
    arguments = ["--data", uri, "--start", str(tokenizer_folder), "--tokens", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "potstill", "tokenize", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"potstill: error: {uri}: access refused (AccessDenied)" in done.stderr
    assert not (tmp_path / "out").exists()
