"""Fixtures: a release that is not signed yet, and a key to sign it with."""

import shutil

import pytest

from potstill.signing.keys import new_key
from tests.released import make_release


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A release, and the run that it was made from."""
    return make_release(tmp_path_factory.mktemp("made"))


@pytest.fixture
def key(tmp_path):
    new_key(tmp_path / "keys.pem")
    return tmp_path / "keys.pem"


@pytest.fixture
def release(made, tmp_path):
    shutil.copytree(made, tmp_path / "release")
    return tmp_path / "release"
