"""The bill of materials of a release: models with their cards, data, libraries, images, and what depends on what.

Written by hand, as the libraries have no class for model cards. Source: cyclonedx.org/docs/1.6/json.
"""

from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from potstill.artifacts import CHECKPOINT, COREML, ONNX, Artifact
from potstill.evidence.evidence import Evidence
from potstill.evidence.libraries import Library, package_url, versions_of
from potstill.evidence.model_card import model_card
from potstill.evidence.provenance import name_of
from potstill.evidence.sources import image_resource
from potstill.licences import Licence
from potstill.signing.canonical import canonical

MODELS = (CHECKPOINT, ONNX, COREML)


def bom_of(evidence: Evidence) -> bytes:
    """Make the bill of materials as CycloneDX 1.6 JSON.

    Args:
        evidence: of a release or a bundle.

    Returns: canonical JSON; no time of day, and a serial number that comes from the content, so that the same release
        has the same bill.
    """
    index = evidence.index
    body = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "machine-learning-model",
                "bom-ref": _release_ref(evidence),
                "name": index.name,
                "version": index.version,
                "licenses": _licences(index.licence),
            },
            "properties": _properties({"potstill:verdict": index.verdict, "potstill:override": index.override}),
        },
        "components": list(_components(evidence)),
        "dependencies": list(_dependencies(evidence)),
    }
    return canonical({**body, "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_OID, canonical(body).decode())}"})


def _release_ref(evidence: Evidence) -> str:
    return f"urn:potstill:release:{evidence.index.name}@{evidence.index.version}"


def _ref(digest: str) -> str:
    return f"urn:potstill:artifact:{digest}"


def _components(evidence: Evidence) -> Iterator[dict[str, Any]]:
    for digest in evidence.lineage.order:
        yield _artifact(evidence.manifests[digest], evidence)
    for library in versions_of(evidence):
        yield {
            "type": "library",
            "bom-ref": package_url(library),
            "name": library[0],
            "version": library[1],
            "purl": package_url(library),
        }
    for stage, image in sorted(evidence.images.items()):
        yield _image(stage, image)


def _artifact(artifact: Artifact, evidence: Evidence) -> dict[str, Any]:
    """One artifact: a model or data, with its licence and its files by their digests."""
    told = {
        "bom-ref": _ref(artifact.digest),
        "name": name_of(artifact),
        "version": artifact.digest,
        "licenses": _licences(artifact.licence),
        "hashes": [_hash(artifact.digest)],
        "components": [_file(artifact.digest, each.path, each.sha256) for each in artifact.files],
        "properties": _properties({"potstill:stage": artifact.made_by["stage"], "potstill:kind": artifact.kind}),
    }
    if not told["components"]:
        del told["components"]
    if artifact.kind in MODELS:
        card = {"modelCard": model_card(artifact, evidence)}
        return {"type": "machine-learning-model", **told, **card}
    return {"type": "data", **told, "data": [_data(artifact)]}


def _data(artifact: Artifact) -> dict[str, Any]:
    facts = {f"potstill:{name}": artifact.meaning[name] for name in ("source", "terms") if name in artifact.meaning}
    told = {"type": "dataset", "name": str(artifact.meaning.get("name", name_of(artifact)))}
    return {**told, "contents": {"properties": _properties(facts)}} if facts else told


def _file(digest: str, path: str, sha256: str) -> dict[str, Any]:
    return {"type": "file", "bom-ref": f"{_ref(digest)}#{path}", "name": path, "hashes": [_hash(sha256)]}


def _image(stage: str, image: str) -> dict[str, Any]:
    """The image of a stage; pinned by digest on a cluster."""
    resource = image_resource(image)
    told = {"type": "container", "bom-ref": f"urn:potstill:image:{stage}", "name": image}
    digest = resource.get("digest", {}).get("sha256")
    return {**told, "version": f"sha256:{digest}", "hashes": [_hash(digest)]} if digest else told


def _dependencies(evidence: Evidence) -> Iterator[dict[str, Any]]:
    """Artifacts on what they were made from and with; the release on what it ships."""
    made_with: dict[str, list[Library]] = {}
    for library, digests in versions_of(evidence).items():
        for digest in digests:
            made_with.setdefault(digest, []).append(library)
    yield {"ref": _release_ref(evidence), "dependsOn": sorted({_ref(each) for each in evidence.index.ships.values()})}
    for digest in evidence.lineage.order:
        artifact = evidence.manifests[digest]
        read = {_ref(each) for each in artifact.inputs.values()}
        with_ = {package_url(each) for each in made_with.get(digest, [])}
        stage = artifact.made_by["stage"]
        image = {f"urn:potstill:image:{stage}"} if stage in evidence.images else set()
        yield {"ref": _ref(digest), "dependsOn": sorted(read | with_ | image)}


def _licences(licence: Licence) -> list[dict[str, str]]:
    return [{"expression": licence.expression}]


def _hash(sha256: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": sha256}


def _properties(facts: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in sorted(facts.items())]
