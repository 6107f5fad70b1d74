"""The options of release refuse nonsense when they are built."""

import pytest

from potstill.errors import OptionError
from potstill.release import ReleaseConfig


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("release_name", "Headlines"),
        ("release_name", "a/b"),
        ("release_name", ".hidden"),
        ("release_name", "名"),
        ("version", "1.0"),
        ("version", "v1.0.0"),
        ("version", "latest"),
        ("override", "  "),
        ("override", "a\nb"),
        ("override", "x" * 2001),
        ("formats", "tflite"),
        ("formats", "onnx,onnx"),
        ("formats", "onnx,"),
    ],
)
def test_nonsense_is_refused_by_the_name_of_the_option(option, value):
    with pytest.raises(OptionError, match=option):
        ReleaseConfig(**{option: value})


def test_a_release_needs_a_name_and_a_version():
    with pytest.raises(OptionError, match=r"release_name and version must not be empty; pass --release-name"):
        ReleaseConfig().require_names()
    with pytest.raises(OptionError, match=r"^version must"):
        ReleaseConfig(release_name="headlines").require_names()


@pytest.mark.parametrize(("formats", "asked"), [("", []), ("onnx", ["onnx"]), ("coreml, onnx", ["coreml", "onnx"])])
def test_formats_are_a_list_of_words(formats, asked):
    assert ReleaseConfig(formats=formats).asked() == asked
