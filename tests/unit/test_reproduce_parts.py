"""The parts of a reproduction: what is to be made, what is equal, and what cannot be."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from potstill.artifacts import File
from potstill.errors import ArtifactError
from potstill.evidence.whole import evidence_of
from potstill.licences import Licence
from potstill.reproduce.comparing import differences, same_but_for_the_maker
from potstill.reproduce.here import TIERS, doubtful, held_down, unequal
from potstill.reproduce.inside import fields, inside
from potstill.reproduce.plan import plan_of
from tests.released import make_release
from tests.reproducing import HERE, OTHER, artifact, evidence_around, plan_around

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_a_lineage_is_divided_into_what_is_given_made_and_carried(tmp_path):
    plan = plan_of(evidence_of(make_release(tmp_path)))
    assert [each.made_by["stage"] for each in plan.given] == ["import-checkpoint", "import-data"]
    assert [each.made_by["stage"] for each in plan.carried] == ["definition"]
    assert [each.made_by["stage"] for each in plan.made] == [
        *("tokenize", "teacher-train", "teacher-cache", "distill", "prune", "qat", "coreml-export", "onnx-export"),
        "validate",
    ]
    assert plan.folder_of(plan.made[0], Path("out")).name == "04-tokenize"


@pytest.mark.parametrize("stage", ["rm", "publish", "release", "os", "\u202e"])
def test_a_stage_that_potstill_does_not_have_is_refused(stage, tmp_path):
    with pytest.raises(ArtifactError, match="is no stage that potstill can run again"):
        plan_of(evidence_around([artifact(stage)], tmp_path))


def test_measured_milliseconds_are_given(tmp_path):
    plan = plan_of(evidence_around([artifact("latency-table", "latency/v1")], tmp_path))
    assert [each.made_by["stage"] for each in plan.given] == ["latency-table"]


@given(JSON, JSON)
def test_fields_differ_where_and_only_where_values_do(one, other):
    assert not list(fields(one, one))
    assert bool(list(fields(one, other, "it"))) == (one != other)


def test_a_field_is_named_by_its_way():
    one = {"meaning": {"training": [{"loss": [1.0, 2.0]}], "labels": ["a"]}}
    other = {"meaning": {"training": [{"loss": [1.0, 2.5]}], "labels": ["a", "b"]}}
    assert list(fields(one, other)) == [
        'meaning.labels: ["a"] wanted, ["a", "b"] made',
        "meaning.training[0].loss[1]: 2.0 wanted, 2.5 made",
    ]


def test_files_that_differ_are_named_with_what_is_inside(tmp_path):
    folders = [tmp_path / "first", tmp_path / "second"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        (folder / "summary.json").write_text(json.dumps({"accuracy": 0.5 + number / 100}))
        save_file({"same": torch.ones(2), "bias": torch.full((2,), float(number))}, folder / "model.safetensors")
        (folder / "exports.md").write_text(f"# Exports\n{number}\n")
        (folder / f"only-{number}").write_text("x")
        files = tuple(File(each.name, each.stat().st_size, f"{number}{each.name}") for each in sorted(folder.iterdir()))
        folders[number] = artifact("validate", path=folder, files=files)
    told = list(differences(*folders, folders[0].path))
    assert told == [
        "exports.md: 12 bytes, SHA-256 0exports.md wanted, 1exports.md made",
        '  line 2: "0" wanted, "1" made',
        "model.safetensors: 144 bytes, SHA-256 0model.safet wanted, 1model.safet made",
        "  tensor bias: other values",
        "only-0: wanted, and not made",
        "only-1: made, and not wanted",
        "summary.json: 17 bytes wanted, 18 made, SHA-256 0summary.jso wanted, 1summary.jso made",
        "  accuracy: 0.5 wanted, 0.51 made",
    ]


@pytest.mark.parametrize("name", ["x.json", "x.safetensors", "x.txt", "x.bin"])
@pytest.mark.parametrize(
    "data", [b"", b"[" * 100_000, b"\xff" * 100, b'{"a":1}' + b"\0" * 20, b"\x05" + b"\0" * 7 + b"null!"]
)
def test_files_of_any_bytes_can_be_compared(name, data, tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one" / name).write_bytes(data)
    (tmp_path / "other" / name).write_bytes(b'{"b": 2}')
    assert all(isinstance(line, str) for line in inside(tmp_path / "one" / name, tmp_path / "other" / name))


def test_who_made_it_is_told_apart_from_what_was_made():
    wanted = artifact("prune", config={"rounds": 1})
    by_another = artifact("prune", config={"rounds": 1}, source=OTHER, revision="", libraries={"torch": "3"})
    assert same_but_for_the_maker(wanted, by_another)
    for changed in (
        artifact("prune", config={"rounds": 2}),
        artifact("qat", config={"rounds": 1}),
        replace(by_another, meaning={"round": 1}),
        replace(by_another, inputs={"tokens": OTHER}),
        replace(by_another, files=(File("x", 1, OTHER),)),
        replace(by_another, licence=Licence("MIT", "open")),
    ):
        assert not same_but_for_the_maker(wanted, changed)


def test_nothing_is_told_where_all_can_be_equal(tmp_path):
    assert unequal(plan_around([artifact("prune"), artifact("tokenize", processor={})], [], tmp_path), HERE) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"source": OTHER}, f"prune ran potstill 0.1.0 of source {OTHER[:12]}, revision 121212121212; here is source"),
        ({"libraries": {"torch": "2.12.0"}}, "prune computed with torch 2.12.0; here is 2.13.0"),
        ({"libraries": {"coremltools": "9.0"}}, "prune computed with coremltools 9.0; here is none"),
        ({"processor": {"isa": "AVX512"}}, "prune computed with AVX512 instructions; this processor has AVX2"),
        ({"processor": {"isa": "SVE256"}}, "prune computed with SVE256 instructions; this processor has AVX2"),
    ],
)
def test_what_cannot_be_equal_is_told_beforehand(changed, told, tmp_path):
    [line] = unequal(plan_around([artifact("prune", **changed)], [], tmp_path), HERE)
    assert line.startswith(told)


@pytest.mark.parametrize("meaning", [{"dtype": "bfloat16"}, {"training": [{"dtype": "bfloat16"}]}])
def test_another_meaning_of_auto_is_told_beforehand(meaning, tmp_path):
    made = replace(artifact("distill", config={"dtype": "auto"}), meaning=meaning)
    [line] = unequal(plan_around([made], [], tmp_path), HERE)
    assert line.startswith("distill took dtype auto for bfloat16; here it is float32")
    said = replace(made, made_by={**made.made_by, "config": {"dtype": "bfloat16"}})
    assert unequal(plan_around([said], [], tmp_path), HERE) == []


def test_lower_instructions_are_held_to():
    low = artifact("prune", processor={"isa": "DEFAULT"})
    assert held_down(low, HERE) == TIERS["DEFAULT"]
    assert held_down(artifact("prune"), HERE) == {}
    assert held_down(artifact("tokenize", processor={}), HERE) == {}
    assert held_down(low, replace(HERE, isa="SVE256")) == {}


def test_what_may_differ_is_told_beforehand(tmp_path):
    low = artifact("prune", processor={"isa": "DEFAULT"})
    export = replace(
        artifact("onnx-export", processor={"isa": "DEFAULT"}, libraries={"onnxruntime": "1"}), digest=OTHER
    )
    assert doubtful(plan_around([low, export], [], tmp_path), HERE) == [
        "prune, onnx-export: torch is held down to DEFAULT instructions; here are AVX2",
        "onnx-export: onnxruntime cannot be held down, and may differ",
    ]
    assert doubtful(plan_around([artifact("prune")], [], tmp_path), HERE) == []


def test_what_holds_the_instructions_down_does_so():
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    for name, variables in TIERS.items():
        if not variables:
            continue
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == name
