"""Fixtures: a registry with the images of a release, and a lock that must stay as it is where a command refuses."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from images import release_lock
from images.stage_images import REVISION, TITLE, VERSION
from potstill import __version__
from potstill.images import IMAGES
from tests.image_registry import Builder, copy_all, require_programs, serving

HERE = "0123456789abcdef0123456789abcdef01234567"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def labels_of(stage: str, **other: str) -> dict[str, str]:
    labels = {REVISION: HERE, VERSION: __version__, TITLE: f"potstill/{stage}"}
    return labels | {f"org.opencontainers.image.{name}": value for name, value in other.items()}


def place_of(host: str, stage: str) -> str:
    return f"{host}/potstill/{stage}:{__version__}"


@pytest.fixture(scope="module")
def builder(tmp_path_factory) -> Builder:
    require_programs()
    return Builder(tmp_path_factory.mktemp("storage"))


@pytest.fixture(scope="module")
def store(builder, tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def host(builder, store) -> Iterator[str]:
    """A registry with every stage's image under `good/`, and all but that of qat under `half/`; prune's is a list."""
    with serving(store) as where:
        for stage in sorted(IMAGES, key="qat".__eq__):
            if stage == "qat":
                copy_all(store, "good", "half")
            platforms = ("amd64", "arm64") if stage == "prune" else ("amd64",)
            builder.push(place_of(f"{where}/good", stage), labels_of(stage), platforms)
        yield where


@pytest.fixture
def half(host, store) -> str:
    """A place in the registry that holds every image but that of qat."""
    name = f"half-{uuid4().hex}"
    copy_all(store, "half", name)
    return f"{host}/{name}"


@pytest.fixture(autouse=True)
def checkout(monkeypatch):
    monkeypatch.setattr(release_lock, "revision", lambda: HERE)


@pytest.fixture
def out(tmp_path) -> Path:
    """A lock file that is there already, and must stay as it is where a command refuses."""
    path = tmp_path / "locks" / "a.lock.json"
    path.parent.mkdir()
    path.write_text("before")
    return path


@pytest.fixture
def refused(capsys, out) -> Callable[..., str]:
    """Run a command that must be refused in one line, with nothing written; return the line."""

    def run(*arguments: str) -> str:
        assert release_lock.main([*arguments, "--out", str(out)]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("potstill: error: ")
        assert told.err.count("\n") == 1
        assert out.read_text() == "before"
        assert [each.name for each in out.parent.iterdir()] == [out.name]
        return told.err

    return run
