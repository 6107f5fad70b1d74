"""Whom the release's locks ask: by which name, with whose password, and how."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import registry, release_lock
from images.registry import qualified, resolve
from potstill import __version__
from potstill.errors import OptionError
from tests import release_locks
from tests.image_registry import PASSWORD, USER, require_programs, serving

# Fixtures: pytest looks for them in the module that asks.
builder, store, host = release_locks.builder, release_locks.store, release_locks.host
checkout, out, refused = release_locks.checkout, release_locks.out, release_locks.refused


class TestCredentials:
    @pytest.fixture
    def closed(self, tmp_path, monkeypatch) -> Iterator[str]:
        """A registry that asks for a password, which nobody here has given."""
        require_programs()
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"):
            monkeypatch.delenv(name, raising=False)
        (tmp_path / "store").mkdir()
        with serving(tmp_path / "store", passwords=True) as where:
            yield where

    def login(self, folder: Path, host: str, password: str) -> str:
        path = folder / ".docker" / "config.json"
        path.parent.mkdir(exist_ok=True)
        given = base64.b64encode(f"{USER}:{password}".encode()).decode()
        path.write_text(json.dumps({"auths": {host: {"auth": given}}}))
        return given

    def test_are_those_of_docker_login(self, builder, closed, tmp_path, refused, out):
        assert "docker login" in refused("base", f"{closed}/base:1")
        given = self.login(tmp_path, closed, "not-this-one")
        said = refused("base", f"{closed}/base:1")
        assert "docker login" in said
        assert "not-this-one" not in said
        assert given not in said
        self.login(tmp_path, closed, PASSWORD)
        assert "is not there" in refused("base", f"{closed}/base:1")
        builder.push(f"{closed}/base:1", {})
        assert release_lock.main(["base", f"{closed}/base:1", "--out", str(out)]) == 0


class TestHttps:
    def test_is_asked_of_every_host_but_this_one(self, host, refused):
        """0.0.0.0 leads to the same registry, and is no name of this machine: plain HTTP is not taken there."""
        assert resolve(f"{host}/good/potstill/qat", f":{__version__}")
        said = refused("base", f"0.0.0.0:{host.partition(':')[2]}/good/potstill/qat:{__version__}")
        assert "HTTP response to HTTPS client" in said

    @pytest.mark.parametrize(
        ("name", "local"),
        [
            ("localhost/a:1", True),
            ("localhost:5000/a:1", True),
            ("127.0.0.1:5000/a:1", True),
            ("127.9.9.9/a:1", True),
            ("localhost.example.org/a:1", False),
            ("127.0.0.1.example.org/a:1", False),
            ("docker.io/localhost/a:1", False),
            ("example.org/127.0.0.1:5000/a:1", False),
        ],
    )
    def test_which_names_are_this_machine(self, name, local):
        assert bool(registry.LOOPBACK.match(name)) is local


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("python:3.11-slim-bookworm", "docker.io/library/python", "3.11-slim-bookworm"),
        ("somebody/python:3", "docker.io/somebody/python", "3"),
        ("ghcr.io/a/b-c/d__e:1.0_x", "ghcr.io/a/b-c/d__e", "1.0_x"),
        ("localhost/a:1", "localhost/a", "1"),
        ("registry:5000/a/b:1", "registry:5000/a/b", "1"),
    ],
)
def test_names_as_docker_understands_them(reference, name, tag):
    assert qualified(reference) == (name, tag)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "python",
        "python:",
        ":1",
        "Python:1",
        "a/b",
        "localhost:5000/a",
        "a:1@sha256:" + 64 * "0",
        "a b:1",
        "a:1\n",
        "--x:1",
    ],
)
def test_names_that_are_none(reference):
    with pytest.raises(OptionError, match="wanted is name:tag"):
        qualified(reference)


def test_without_skopeo(monkeypatch, tmp_path, refused):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "skopeo is not installed" in refused("base")
