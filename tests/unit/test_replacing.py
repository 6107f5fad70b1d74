"""A release or a bundle is made again in its own place, and never over another one."""

import pytest

from potstill.errors import ArtifactError
from potstill.sign import SignConfig, sign_release
from potstill.signing.keys import new_key
from tests.published import files_of
from tests.released import make_lineage, release_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_lineage(tmp_path_factory.mktemp("replacing"))


@pytest.mark.parametrize(
    ("other", "called"), [({"version": "1.0.1"}, "headlines 1.0.1"), ({"name": "headings"}, "headings 1.0.0")]
)
def test_another_release_is_not_replaced(run, other, called, tmp_path):
    first, second, bundle, key = (tmp_path / each for each in ("first", "second", "bundle", "k.key"))
    new_key(key)
    release_run(run, first)
    release_run(run, second, **other)
    sign_release(first, bundle, SignConfig(), key=key)
    released, signed = files_of(first), files_of(bundle)
    told = rf"holds headlines 1\.0\.0, which {called} would replace; pass another folder, or delete that one"
    with pytest.raises(ArtifactError, match=told):
        release_run(run, first, **other)
    with pytest.raises(ArtifactError, match=told):
        sign_release(second, bundle, SignConfig(), key=key)
    assert (files_of(first), files_of(bundle)) == (released, signed)
    release_run(run, first)
    sign_release(first, bundle, SignConfig(), key=key)
    assert files_of(first) == released
    assert files_of(bundle).keys() == signed.keys()
