"""The index of a release is read as it was written, and in no other form."""

import json
from dataclasses import replace

import pytest
import rfc8785

from potstill.errors import InputError
from potstill.evidence.index import Index, Listed, read_index
from potstill.licences import Licence

DIGEST = "ab" * 32
INDEX = Index(
    name="headlines",
    version="1.2.0-rc.1+build.7",
    verdict="pass",
    override="",
    licence=Licence("Apache-2.0", "open"),
    artifacts=(Listed(DIGEST, "report/v1", "validate"),),
    ships={"report": DIGEST, "models/onnx": DIGEST},
)


def body(**changed):
    return json.loads(INDEX.to_bytes()) | changed


def read(value):
    return read_index(rfc8785.dumps(value))


@pytest.mark.parametrize("index", [INDEX, replace(INDEX, verdict="fail", override="urgent: 修复 <b>")])
def test_what_is_written_is_read(index):
    assert read_index(index.to_bytes()) == index


def test_no_other_form_of_the_same_json_is_read():
    for text in (json.dumps(body()), json.dumps(body(), sort_keys=True), INDEX.to_bytes().decode() + "\n"):
        with pytest.raises(InputError, match="not canonical"):
            read_index(text.encode())


# Source: semver.org, the examples of version 2.0.0.
GOOD = ["0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.0.0-alpha.1", "1.0.0-0A.is.legal", "1.0.0+0.build.1"]
BAD = [
    "1",
    "1.2",
    "1.2.3-0123",
    "01.1.1",
    "1.01.1",
    "1.1.1-",
    "1.1.1+",
    "v1.2.3",
    "1.2.3.4",
    "1.0.0-a..b",
    "",
    "1.0.0\n",
]
BAD += ["1.0.0-" + "a" * 100, "１.0.0", 1, None]


@pytest.mark.parametrize("version", GOOD)
def test_a_semantic_version_is_read(version):
    assert read(body(version=version)).version == version


@pytest.mark.parametrize("version", BAD)
def test_what_is_no_semantic_version_is_refused(version):
    with pytest.raises(InputError, match=r"version must be a semantic version"):
        read(body(version=version))


@pytest.mark.parametrize(
    "changed",
    [
        {"schema": "urn:potstill:release:v2"},
        {"name": "Headlines"},
        {"name": "../x"},
        {"name": "-x"},
        {"name": "a" * 101},
        {"name": "a\n"},
        {"verdict": "passed"},
        {"override": {"reason": "x"}},
        {"verdict": "fail"},
        {"verdict": "inconclusive", "override": {"reason": " "}},
        {"verdict": "fail", "override": {"reason": "two\nlines"}},
        {"verdict": "fail", "override": {"reason": "turned \u202e round"}},
        {"verdict": "fail", "override": {"reason": "x" * 2001}},
        {"verdict": "fail", "override": {"reason": "x", "by": "me"}},
        {"verdict": "fail", "override": "x"},
        {"licence": {"expression": "MIT", "use": "free"}},
        {"licence": {"expression": "MIT"}},
        {"licence": "MIT"},
        {"artifacts": {}},
        {"artifacts": [{"digest": "AB" * 32, "kind": "report/v1", "stage": "validate"}]},
        {"artifacts": [{"digest": DIGEST, "kind": "report/v9", "stage": "validate"}]},
        {"artifacts": [{"digest": DIGEST, "kind": "report/v1", "stage": "../validate"}]},
        {"artifacts": [{"digest": DIGEST, "kind": "report/v1"}]},
        {"ships": {"models/onnx/..": DIGEST}},
        {"ships": {"report": "x"}},
        {"ships": []},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_not_of_the_shape_is_refused_in_one_line(changed):
    with pytest.raises(InputError) as refused:
        read(body(**changed))
    assert str(refused.value).startswith("release.json")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("told", [0, 2, "1", True, 1.5, None])
def test_another_format_is_told_with_the_way_out(told):
    with pytest.raises(InputError, match=r"another form of the evidence.*verify it with potstill 0\.0\.9"):
        read_index(rfc8785.dumps(body(format=told)), made_with="potstill 0.0.9")


def test_an_index_without_a_format_is_of_another_one():
    with pytest.raises(InputError, match=r"format 'none'"):
        read({key: value for key, value in body().items() if key != "format"})


@pytest.mark.parametrize("name", [each for each in json.loads(INDEX.to_bytes()) if each != "format"])
def test_no_key_may_be_left_out(name):
    with pytest.raises(InputError, match=f"missing or extra: '{name}'"):
        read({key: value for key, value in body().items() if key != name})


@pytest.mark.parametrize("value", [[], 1, None, "x", True])
def test_what_is_no_object_is_refused(value):
    with pytest.raises(InputError, match="must be an object"):
        read(value)
