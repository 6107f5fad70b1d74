"""How an artifact came to be, as an in-toto Statement with a SLSA provenance predicate.

Source: SLSA v1.2, provenance (slsa.dev/provenance/v1); in-toto Statement v1 (github.com/in-toto/attestation).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from potstill.artifacts import Artifact
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import LOCK, PARAMETERS, PIPELINE
from potstill.evidence.sources import image_resource, source_resources

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PROVENANCE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPE: Final = "urn:potstill:stage:v1"
BUILDER: Final = "urn:potstill:builder:"
SHAPING: Final = ("dtype", "seed", "threads")  # options that change the bytes and not the meaning


def provenance_of(artifact: Artifact, evidence: Evidence) -> dict[str, Any]:
    """Make the Statement of one artifact.

    Args:
        artifact: of the lineage.
        evidence: of the release; it tells the images and the definition that all stages share.

    Returns: JSON values; no time of day, so that the same work has the same Statement. The builder is the one that
        the definition declares; that it ran there, nothing here proves.
    """
    maker = artifact.made_by
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"stage": maker["stage"], "config": maker["config"]},
            "internalParameters": _internal(maker),
            "resolvedDependencies": list(_dependencies(artifact, evidence)),
        },
        "runDetails": {"builder": {"id": f"{BUILDER}{evidence.runner_of(maker['stage'])}"}},
    }
    return statement([artifact], PROVENANCE, predicate)


def statement(subjects: list[Artifact], kind: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    """Make an in-toto Statement about artifacts.

    Args:
        subjects: what it is about.
        kind: the predicate's type, a URI.
        predicate: what it says.
    """
    return {
        "_type": STATEMENT,
        "subject": [{"name": name_of(each), "digest": {"sha256": each.digest}} for each in subjects],
        "predicateType": kind,
        "predicate": predicate,
    }


def name_of(artifact: Artifact) -> str:
    """What Statements call an artifact: its stage and its kind."""
    return f"{artifact.made_by['stage']}:{artifact.kind}"


def _internal(maker: Mapping[str, Any]) -> dict[str, Any]:
    config = maker["config"]
    return {
        "processor": maker["processor"],
        "libraries": maker["libraries"],
        "potstill": maker["potstill"],
        "source": maker["source"],
        **{name: config[name] for name in SHAPING if name in config},
    }


def _dependencies(artifact: Artifact, evidence: Evidence) -> Iterator[dict[str, Any]]:
    """Everything that the stage read: artifacts, what was imported, code, lock, pipeline, image."""
    for name, digest in sorted(artifact.inputs.items()):
        yield {"name": name, "uri": f"urn:potstill:artifact:{digest}", "digest": {"sha256": digest}}
    yield from source_resources(artifact)
    yield from _code(artifact.made_by)
    for name in (PIPELINE, PARAMETERS, LOCK):
        if name in evidence.definition:
            yield {"name": name, "digest": {"sha256": evidence.definition[name]}}
    image = evidence.images.get(artifact.made_by["stage"])
    if image:
        yield image_resource(image)


def _code(maker: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Potstill itself: the digest of its source, and the commit where that is known."""
    uri = f"pkg:pypi/potstill@{maker['potstill']}"
    yield {"name": "potstill", "uri": uri, "digest": {"sha256": maker["source"]}}
    if maker["revision"]:
        yield {"name": "revision", "uri": "git+urn:potstill:repository", "digest": {"gitCommit": maker["revision"]}}
