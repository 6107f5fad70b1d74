"""Where everything lies in a store of releases.

    releases/<name>/<version>.json      which bundle this release is; written last, and never again
    bundles/<digest>.json               the artifact.json of a bundle, byte for byte: the list of its files
    blobs/sha256/<digest>               a file; equal files of several releases are one

Only the first of the three has a name that its bytes do not give, so it alone is written on condition.
"""

from typing import Final

SCHEMA: Final = "urn:potstill:published:v1"
RELEASES: Final = "releases"
_JSON: Final = ".json"


def blob_key(sha256: str) -> str:
    """Say where a file lies, by the SHA-256 (hex) of its bytes."""
    return f"blobs/sha256/{sha256}"


def bundle_key(digest: str) -> str:
    """Say where the list of a bundle's files lies."""
    return f"bundles/{digest}{_JSON}"


def pointer_key(name: str, version: str) -> str:
    """Say where it stands which bundle a release is."""
    return f"{RELEASES}/{name}/{version}{_JSON}"


def named_by(key: str) -> tuple[str, str]:
    """Return the name and the version that a pointer's key says; empty where it says none."""
    parts = key.split("/")
    if len(parts) != 3 or not key.endswith(_JSON):
        return "", ""
    return parts[1], parts[2].removesuffix(_JSON)
