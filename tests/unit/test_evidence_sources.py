"""Where imported bytes come from, in the terms that the field has for it."""

from pathlib import Path

import pytest

from potstill.artifacts import DATASET, Artifact, File
from potstill.evidence.sources import image_resource, source_resources
from potstill.licences import UNDECLARED

DIGEST, COMMIT = "ab" * 32, "8f" * 20


def imported(stage="import-data", **meaning):
    file = File("a.tsv", 1, DIGEST)
    return Artifact(Path(), "cd" * 32, DATASET, (file,), {"stage": stage}, {}, UNDECLARED, meaning)


@pytest.mark.parametrize(
    ("artifact", "uris"),
    [
        (imported(source=f"package a-b==1.0+c sha256:{DIGEST}"), ["pkg:pypi/a-b@1.0+c"]),
        (imported(source="s3://bucket/titles.tsv"), ["s3://bucket/titles.tsv", None]),
        (imported(source="标题 1.tsv"), ["urn:potstill:source:%E6%A0%87%E9%A2%98%201.tsv", None]),
        (imported("import-checkpoint", source=f"package a==1 sha256:{DIGEST}", revision=""), ["pkg:pypi/a@1"]),
        (imported("import-checkpoint", source="my-bert", revision=""), ["urn:potstill:source:my-bert"]),
        (imported("import-checkpoint", source="a/b", revision=COMMIT), [f"pkg:huggingface/a/b@{COMMIT}"]),
        (imported("import-checkpoint", source="a/b", revision="main"), ["urn:potstill:source:a%2Fb"]),
        (imported("tokenize", source="s3://bucket/titles.tsv"), []),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_source_has_a_uri(artifact, uris):
    assert [each.get("uri") for each in source_resources(artifact)] == uris


def test_tables_that_were_copied_are_their_own_source():
    *_, file = source_resources(imported(source="a.tsv"))
    assert file == {"name": "a.tsv", "digest": {"sha256": DIGEST}}


def test_an_image_has_a_digest_where_it_is_pinned():
    pinned = image_resource(f"registry.example:5000/potstill/prune@sha256:{DIGEST}")
    assert pinned["uri"] == "pkg:docker/registry.example:5000/potstill/prune"
    assert pinned["digest"] == {"sha256": DIGEST}
    assert image_resource("potstill/prune:0.1.0") == {"name": "image", "uri": "pkg:docker/potstill/prune:0.1.0"}
