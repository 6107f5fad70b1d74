"""What tokenize reads: a sealed data set or token set, or a raw table; on this machine or in an S3-compatible store."""

import re
from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import DATASET, TOKENS, UNSEALED, Artifact, expect, is_sealed
from potstill.data.table_files import Table
from potstill.data.tables import digest_of, table_in_store, table_on_disk
from potstill.errors import InputError, OptionError
from potstill.store.finding import fetch, find_objects
from potstill.store.s3 import SCHEME, is_s3, masked
from potstill.store.sealed import expect_objects

SCHEMED = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # a URI; as a path it has lost its second slash


@dataclass(frozen=True)
class Source:
    """Texts, where they lie.

    Attributes:
        texts: the files of a table, or a token set on this machine.
        digest: of a sealed folder its digest; of a raw table `data.tables.digest_of`.
        sealed: the sealed data set or token set, or None for a raw table, about whose licence nobody said anything.
    """

    texts: Table | Artifact
    digest: str
    sealed: Artifact | None


def open_source(data: str | Path, scratch: Path, digest: str) -> Source:
    """Find the texts, and prove their digest where one is wanted. Tables in a store stay there, and are streamed.

    Args:
        data: path or `s3://` URI.
        scratch: a folder for a token set out of a store, which is fetched; it must exist.
        digest: the digest that the data must have; "" for any.

    Raises:
        InputError: no data named, no such table, a store that refuses, or a raw table with another digest.
        ArtifactError: a sealed folder that is not whole, of another kind, or has another digest.
    """
    if not str(data):
        raise InputError("data is empty; wanted is a file, a folder or an s3:// URI")
    if is_s3(str(data)):
        return _in_store(str(data), scratch, digest)
    if SCHEMED.match(str(data)):
        raise OptionError(f"{masked(str(data))} is in no store that is read here; pass a path or {SCHEME}bucket/…")
    path = Path(data)
    if path.is_dir() and (is_sealed(path) or (path / UNSEALED).exists()):
        sealed = expect(path, DATASET, TOKENS, digest=digest)
        return Source(sealed if sealed.kind == TOKENS else table_on_disk(path), sealed.digest, sealed)
    return _raw(table_on_disk(path), digest)


def named_by(data: Path | None, data_uri: str) -> str | Path:
    """Choose between an input of a pipeline and a URI.

    Args:
        data: what the pipeline handed over; None where it hands over nothing.
        data_uri: `s3://` URI; empty: none.

    Raises:
        OptionError: both, none, or another URI.
    """
    if data is not None and not data_uri:
        return data
    if data is not None:
        raise OptionError(f"data and data_uri {data_uri} are both given; pass one of them")
    if not data_uri:
        raise OptionError("neither data nor data_uri is given; pass one of them")
    if not is_s3(data_uri):
        raise OptionError(
            f"data_uri must be {SCHEME}bucket/… to be streamed, got {masked(data_uri)!r}; pass others as data"
        )
    return data_uri


def _in_store(uri: str, scratch: Path, digest: str) -> Source:
    objects = find_objects(uri)
    sealed = expect_objects(uri, objects, DATASET, TOKENS, digest=digest)
    if sealed is None:
        return _raw(table_in_store(uri, objects), digest)
    if sealed.kind == TOKENS:  # read split by split and several times over, and much smaller than what it came from
        fetch(uri, scratch)
        tokens = expect(scratch, TOKENS, digest=sealed.digest)
        return Source(tokens, tokens.digest, tokens)
    return Source(table_in_store(uri, objects), sealed.digest, sealed)


def _raw(table: Table, digest: str) -> Source:
    found = digest_of(table)
    if digest and digest != found:
        raise InputError(
            f"{table.name} has digest {found}; wanted is {digest}: pass that table, or its own --data-digest"
        )
    return Source(table, found, None)
