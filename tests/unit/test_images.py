"""Which image a component runs in: the development tag, or the digest of a release's lock, and never a mixture."""

import json
import runpy
from pathlib import Path

import pytest

from potstill import __version__, images
from potstill.errors import InputError
from potstill.images import IMAGES, image_for, read_lock

COMPONENT = str(Path(images.__file__).parent / "prune" / "component.py")
WHOLE = {stage: f"ghcr.io/some-body/potstill/{stage}@sha256:{'0123456789abcdef' * 4}" for stage in IMAGES}


@pytest.fixture
def lock(tmp_path, monkeypatch) -> Path:
    """Where the lock would be; there is none yet."""
    path = tmp_path / "images.lock.json"
    monkeypatch.setattr(images, "RELEASE_LOCK", path)
    images._locked.cache_clear()
    yield path
    images._locked.cache_clear()


def test_without_a_lock_it_is_the_development_tag(lock):
    assert image_for("prune") == f"potstill/prune:{__version__}"
    assert image_for("train-job") == f"potstill/train-job:{__version__}"


def test_with_a_lock_it_is_the_digest(lock):
    lock.write_text(json.dumps(WHOLE))
    assert {stage: image_for(stage) for stage in IMAGES} == WHOLE


def test_a_component_is_compiled_with_the_lock_s_image(lock):
    lock.write_text(json.dumps(WHOLE))
    component = runpy.run_path(COMPONENT)["prune"]
    assert component.component_spec.implementation.container.image == WHOLE["prune"]


def test_a_component_is_not_compiled_with_a_broken_lock(lock):
    lock.write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        runpy.run_path(COMPONENT)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("\ufeff{}", "is no JSON"),
        ("[]", "holds no object of images"),
        ("{}", "no image for tokenize, teacher-train, .*, publish, train-job;"),
        ({"prune": None, "qat": None}, "no image for prune, qat;"),
        ({"prunes": "a/b@sha256:" + 64 * "0"}, "no stage is called 'prunes'"),
        ({"prune": f"potstill/prune:{__version__}"}, "'prune' is 'potstill/prune:.*', wanted is name@sha256:"),
        ({"prune": "a/b@sha256:" + 63 * "0"}, "wanted is name@sha256:<64 hex digits>"),
        ({"prune": "a/b@sha256:" + 64 * "A"}, "wanted is name@sha256:<64 hex digits>"),
        ({"prune": "a/b@sha256:" + 64 * "0" + "\n"}, "wanted is name@sha256:<64 hex digits>"),
        ({"prune": "@sha256:" + 64 * "0"}, "wanted is name@sha256:<64 hex digits>"),
        ({"prune": "a b@sha256:" + 64 * "0"}, "wanted is name@sha256:<64 hex digits>"),
        ({"prune": "a@b@sha256:" + 64 * "0"}, "wanted is name@sha256:<64 hex digits>"),
        ({"prune": ["a/b@sha256:" + 64 * "0"]}, "wanted is name@sha256:<64 hex digits>"),
        ({"prune": "x", "qat": 7}, "'prune' is 'x', wanted .*'qat' is 7, wanted"),
    ],
)
def test_a_lock_that_is_not_whole_is_refused_for_every_stage(lock, content, said):
    """Content as it stands, or changes to a whole lock, in which None takes a stage out."""
    if isinstance(content, dict):
        content = json.dumps({stage: image for stage, image in (WHOLE | content).items() if image is not None})
    lock.write_text(content, encoding="utf-8")
    for stage in ("prune", "validate"):
        with pytest.raises(InputError, match=said) as refused:
            image_for(stage)
        assert str(lock) in str(refused.value)
        assert "python -m images.release_lock images" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_lock_that_is_not_text_is_refused(lock):
    lock.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no JSON"):
        read_lock(lock)
