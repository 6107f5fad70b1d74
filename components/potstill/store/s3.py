"""How any S3-compatible store is spoken to, and what its refusals mean.

The endpoint, region and credentials come from the standard AWS variables and files (AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, AWS_PROFILE, …), and so do AWS_MAX_ATTEMPTS and AWS_RETRY_MODE; boto3 reads them and retries by
itself, with jitter. It is imported when a store is spoken to.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from potstill.errors import InputError, OptionError

SCHEME = "s3://"
USER = re.compile(r":/{1,2}[^/@\s]*@")  # as a path, a URI has lost its second slash
CONNECT_SECONDS = 10  # botocore's own 60, thrice, would be three minutes for a host that swallows packets
READ_SECONDS = 60  # without a byte; botocore's own, since a store may be so long in putting a large object together
LONGEST_SAYING = 300  # characters of a message that is not ours; some servers answer with a whole page

# What a refusal means, by S3's name for it (of a HEAD, which has no body to say more in, by its number).
REFUSALS = {
    "NoSuchBucket": "there is no bucket {bucket!r}; check the name and AWS_ENDPOINT_URL",
    "NoSuchKey": "there is no such object; list what is there with `aws s3 ls s3://{bucket}/`",
    "AccessDenied": "access refused ({code}); the credentials need s3:GetObject on it and s3:ListBucket on {bucket!r}, "
    "and to write also s3:PutObject and s3:DeleteObject",
    "403": "access refused ({code}); check the credentials and their rights to bucket {bucket!r}",
    "InvalidAccessKeyId": "access refused ({code}): the store does not know this key; check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "access refused ({code}): the secret is not that of the key; check AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "access refused ({code}): the session is over; get new credentials",
    "InvalidToken": "access refused ({code}); check AWS_SESSION_TOKEN, or unset it",
    "NotImplemented": "the store lacks what this needs ({code}), such as writes that must not replace (If-None-Match); "
    "use another store, or a newer one",
    "RequestTimeTooSkewed": "access refused ({code}): the clock of this machine is not that of the store; set it",
}
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SETTINGS = "check what the AWS variables and files say: AWS_PROFILE, AWS_MAX_ATTEMPTS, AWS_RETRY_MODE, \
AWS_DEFAULT_REGION, AWS_ENDPOINT_URL"
NETWORK = "check AWS_ENDPOINT_URL and the network"
HEADER = re.compile(r"(Invalid header value).*")  # what follows is a credential, or a signature
STRANGER = "the server answers as no S3 store does"
BUSY = ("SlowDown", "503", "ServiceUnavailable", "Throttling", "RequestLimitExceeded", "TooManyRequests", "429")


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
    return USER.sub("://***@", text)


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
    _refuse_broken_credentials(uri)
    with telling(uri, SETTINGS):
        settings = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
        return boto3.Session().client("s3", config=settings)


def _refuse_broken_credentials(uri: str) -> None:
    """Refuse what cannot be a credential; `echo` and files end with a line break, which secrets then hold, too."""
    broken = [name for name in CREDENTIALS if not (value := os.environ.get(name, "")).isprintable() or " " in value]
    if broken:
        raise InputError(f"{uri}: {', '.join(broken)} has a line break or a space in it; set it without, as by printf")


@contextmanager
def telling(uri: str, way_out: str = NETWORK) -> Iterator[None]:
    """Turn what boto3 raises into one line that names the URI and the way out, where boto3 itself names none."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    from s3transfer.exceptions import RetriesExceededError  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    # ValueError: an endpoint that is no URL; RetriesExceededError: a download that broke off again and again;
    # HTTPError: what botocore lets through of a body, as of broken TLS
    except (BotoCoreError, Boto3Error, ClientError, RetriesExceededError, HTTPError, ValueError) as refused:
        raise InputError(_explain(uri, refused, way_out)) from refused


def code_of(refused: Exception) -> str:
    """Return S3's name for an error; empty when it did not come from the store."""
    answer = getattr(refused, "response", None) or {}  # botocore's ConnectionClosedError has a None there
    return str(answer.get("Error", {}).get("Code", ""))


def list_objects(client: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """List the objects whose keys begin with `prefix`, without the empty objects that some tools make for folders.

    Returns: what the store tells of each: `Key`, `Size`, `ETag`, ….

    Raises:
        InputError: a page of another server was taken for a list without objects.
    """
    found: list[dict[str, Any]] = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        if "IsTruncated" not in page:
            raise InputError(f"{SCHEME}{bucket}/{prefix}: {STRANGER}; check AWS_ENDPOINT_URL")
        found += (each for each in page.get("Contents", ()) if not each["Key"].endswith("/"))
    return found


def _explain(uri: str, refused: Exception, way_out: str) -> str:
    bucket, code = split(uri)[0], code_of(refused)
    if type(refused).__name__ == "NoCredentialsError":
        return f"{uri}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if code in REFUSALS:
        return f"{uri}: {REFUSALS[code].format(code=code, bucket=bucket)}"
    said = HEADER.sub(r"\1", masked(" ".join(f"{refused}{_of_system(refused)}".split())))
    said = said if len(said) <= LONGEST_SAYING else f"{said[:LONGEST_SAYING]}…"
    if code in BUSY or (code.isdigit() and code.startswith("5")):
        return f"{uri}: the store is too busy, or broken ({said}); run again later, or raise AWS_MAX_ATTEMPTS"
    if type(refused).__name__ == "ParamValidationError":
        return f"{uri}: {said}; check the bucket's name"
    # S3 gives an error a name; other servers give a number, or a page that botocore cannot parse
    answered = type(refused).__name__ in ("ClientError", "ResponseParserError")
    if answered and (not code or code.isdigit()):
        return f"{uri}: {STRANGER} ({said}); check AWS_ENDPOINT_URL"
    return f"{uri}: {said}; {way_out}"


def _of_system(refused: BaseException) -> str:
    """What the operating system said, which botocore leaves out: whether a host is unknown, or refuses."""
    error: BaseException | None = refused
    while error is not None and not (isinstance(error, OSError) and error.strerror):
        error = error.__cause__ or error.__context__
    said = str(error.strerror) if isinstance(error, OSError) else ""
    return f" ({said})" if said not in str(refused) else ""
