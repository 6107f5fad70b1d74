"""Without buildah, docker buildx is asked for the same images: what it is asked, by a docker that writes it down."""

import json
import os
import subprocess
import sys

import pytest

from images.bake import bake, base_of_registry
from images.recipe import Recipe
from potstill.errors import InputError

DOCKER = """#!{python}
import json, os, sys
names = ("BASE", "REGISTRY", "VERSION", "REVISION", "SOURCE", "TORCH")
with open({log!r}, "w") as file:
    json.dump([sys.argv[1:], os.getcwd(), {{name: os.environ[name] for name in names}}], file)
sys.exit(int(os.environ.get("FAILS", "0")))
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A docker on PATH; a function that tells what it was asked."""
    program, log = tmp_path / "bin" / "docker", tmp_path / "asked.json"
    program.parent.mkdir()
    program.write_text(DOCKER.format(python=sys.executable, log=str(log)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return lambda: json.loads(log.read_text())


def recipe(tmp_path):
    return Recipe(tmp_path / "build" / "images", "base@sha256:1", "arm64", "cuda", "https://example.org", "d", "w")


def test_docker_is_asked_for_the_stages_on_the_base(tmp_path, asked):
    (tmp_path / "build").mkdir()
    bake(recipe(tmp_path), ("prune", "qat"), fresh=True, load=False, push="registry.example/us")
    arguments, folder, variables = asked()
    assert arguments[:2] == ["buildx", "bake"]
    assert arguments[-2:] == ["prune", "qat"]
    assert {"--set=*.platform=linux/arm64", "--no-cache", "--push"} <= set(arguments)
    assert folder == str(tmp_path)  # where the bake file's contexts begin
    assert variables["BASE"] == "base@sha256:1"
    assert variables["REGISTRY"] == "registry.example/us/"
    assert variables["TORCH"] == "cuda"


def test_a_daemon_is_given_no_bills_of_materials(tmp_path, asked, monkeypatch):
    (tmp_path / "build").mkdir()
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(InputError, match="docker buildx bake failed"):
        bake(recipe(tmp_path), ("prune",), fresh=False, load=True, push="")
    arguments, _, variables = asked()
    assert {"--load", "--provenance=false", "--sbom=false"} <= set(arguments)
    assert variables["REGISTRY"] == ""


def test_debian_s_packages_need_buildah():
    with pytest.raises(InputError, match="needs buildah"):
        base_of_registry("debian")
    assert base_of_registry("mine:1") == "mine:1"
    assert base_of_registry("auto").startswith("docker.io/library/python")


def test_without_either_the_way_out_is_told():
    done = subprocess.run(
        [sys.executable, "-m", "images.build", "tokenize", "--base", "x"],
        env={"PATH": "/nowhere", "PYTHONPATH": "components:."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "apt-get install buildah" in done.stderr
