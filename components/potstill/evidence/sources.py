"""Where imported bytes come from, and which image a stage ran in, as in-toto resource descriptors."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from potstill.artifacts import Artifact
from potstill.evidence.layout import IMPORTS

PACKAGE = re.compile(r"package ([A-Za-z0-9._-]+)==([A-Za-z0-9.+!_-]+) sha256:([0-9a-f]{64})")
COMMIT = re.compile(r"[0-9a-f]{40}")
HUB_ID = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
PINNED = re.compile(r"(?P<image>.+)@sha256:(?P<digest>[0-9a-f]{64})")


def source_resources(artifact: Artifact) -> Iterator[dict[str, Any]]:
    """Name what an import read: a package, a hub's repository at a commit, a store's objects, or files by their digest.

    Args:
        artifact: of any stage; only the stages that import have sources.
    """
    if artifact.made_by["stage"] not in IMPORTS:
        return
    source = str(artifact.meaning.get("source", ""))
    revision = str(artifact.meaning.get("revision", ""))
    package = PACKAGE.fullmatch(source)
    if package:
        name, version, digest = package.groups()
        yield {"name": "source", "uri": f"pkg:pypi/{name}@{version}", "digest": {"sha256": digest}}
    elif HUB_ID.fullmatch(source) and COMMIT.fullmatch(revision):
        yield {
            "name": "source",
            "uri": f"pkg:huggingface/{source}@{revision}",
            "digest": {"gitCommit": revision},
        }
    else:
        yield {"name": "source", "uri": _uri(source)}
        yield from _files(artifact)


def image_resource(image: str) -> dict[str, Any]:
    """Describe the image of a stage; its digest stands where the image is pinned by one."""
    pinned = PINNED.fullmatch(image)
    uri = f"pkg:docker/{quote(pinned['image'] if pinned else image, safe='/:')}"
    return {"name": "image", "uri": uri} | ({"digest": {"sha256": pinned["digest"]}} if pinned else {})


def _uri(source: str) -> str:
    """A store's URI as it is; of a folder or a known set, whose place nobody needs to know, its name."""
    return source if source.startswith("s3://") else f"urn:potstill:source:{quote(source, safe='')}"


def _files(artifact: Artifact) -> Iterator[dict[str, Any]]:
    """Imported tables are copies of what was read, byte for byte: each digest is that of its source."""
    if artifact.made_by["stage"] == IMPORTS[0]:
        yield from ({"name": each.path, "digest": {"sha256": each.sha256}} for each in artifact.files)
