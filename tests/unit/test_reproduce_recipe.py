"""Manifests turned back into the command lines that made them."""

import dataclasses
import sys
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potstill.arguments import WORDS, parse
from potstill.commands import STAGES
from potstill.errors import ArtifactError
from potstill.generated import STAGE_OPTIONS
from potstill.lineage.outputs import OUTPUTS
from potstill.options import recorded
from potstill.reproduce.preflight import refusals
from potstill.reproduce.recipe import command_of, inputs_of
from tests.reproducing import artifact

MADE = sorted(set(OUTPUTS) & set(STAGES))
DIGESTS = [f"{number:064x}" for number in range(40)]
PLACES = {digest: Path("/inputs") / f"a b {digest[-2:]}" for digest in DIGESTS}


def function_of(stage):
    module, name, _ = STAGES[stage]
    return getattr(import_module(module), name)


def settings_of(stage):
    return recorded(get_type_hints(function_of(stage))["config"]())


def inputs_for(stage):
    """One artifact for each required input, two for a list."""
    found, names = {}, iter(DIGESTS)
    for name, each in signature(function_of(stage)).parameters.items():
        if name in ("config", OUTPUTS[stage]) or each.default is not each.empty:
            continue
        several = [f"{name}[{place}]" for place in range(2)] if "tuple" in str(each.annotation) else [name]
        found |= {inside: next(names) for inside in several}
    return found


def read_back(wanted):
    """What the stage's own command line makes of a command."""
    stage = wanted.made_by["stage"]
    command = command_of(wanted, PLACES, Path("/out/made here"))
    words = command[command.index(STAGES[stage][0]) + 1 :]
    call = parse(function_of(stage), args=words, config=STAGE_OPTIONS, registry=WORDS)
    return signature(function_of(stage)).bind(*call.args, **call.keywords).arguments


@pytest.mark.parametrize("stage", MADE)
def test_a_stage_reads_the_very_options_and_inputs_of_its_manifest(stage):
    wanted = artifact(stage, config=settings_of(stage), inputs=inputs_for(stage))
    found = read_back(wanted)
    assert recorded(found["config"]) == settings_of(stage)
    assert found[OUTPUTS[stage]] == Path("/out/made here")
    for name, digests in inputs_of(wanted).items():
        places = [PLACES[digest] for digest in digests]
        assert list(found[name]) == places if len(places) > 1 else Path(found[name]) == places[0]


@pytest.mark.parametrize("stage", MADE)
def test_a_stage_takes_its_own_recipe(stage):
    recipe = {"stage": stage, "inputs": list(inputs_of(artifact(stage, inputs=inputs_for(stage))))}
    assert refusals({**recipe, "config": settings_of(stage)}) == []


@pytest.mark.parametrize("stage", MADE)
def test_options_that_no_manifest_tells_are_refused(stage):
    kind = get_type_hints(function_of(stage))["config"]
    untold = {field.name for field in dataclasses.fields(kind)} - set(settings_of(stage))
    recipe = {"stage": stage, "inputs": list(inputs_of(artifact(stage, inputs=inputs_for(stage))))}
    for name in (*untold, "no_such_option"):
        [why] = refusals({**recipe, "config": {**settings_of(stage), name: "/etc/passwd"}})
        assert name in why


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_any_text_of_an_option_stays_one_word(author):
    wanted = artifact("coreml-export", config={**settings_of("coreml-export"), "author": author})
    command = command_of(dataclasses.replace(wanted, inputs=inputs_for("coreml-export")), PLACES, Path("/out"))
    assert f"--author={author}" in command


@pytest.mark.parametrize("author", ["", "--out=/etc", "a b", "-1", "作者 'x' \"y\"", "$(reboot)"])
def test_hostile_texts_are_read_as_they_are(author):
    config = {**settings_of("coreml-export"), "author": author}
    wanted = artifact("coreml-export", config=config, inputs=inputs_for("coreml-export"))
    found = read_back(wanted)
    assert found["config"].author == author
    assert found["package"] == Path("/out/made here")


def test_a_list_comes_in_the_order_of_its_numbers():
    inputs = {f"members[{place}]": DIGESTS[place] for place in (10, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9)}
    assert inputs_of(artifact("teacher-ensemble", inputs=inputs)) == {"members": DIGESTS[:11]}


@pytest.mark.parametrize(
    "names",
    [["members[1]"], ["members[0]", "members[2]"], ["--out"], ["a b"], ["members[-1]"], ["members", "members[0]"]],
)
def test_inputs_that_no_stage_writes_are_refused(names):
    with pytest.raises(ArtifactError, match="forged"):
        inputs_of(artifact("teacher-ensemble", inputs=dict(zip(names, DIGESTS, strict=False))))


@pytest.mark.parametrize("config", [{"--x": 1}, {"a b": 1}, {"x": []}, {"x": {}}, {"x": None}, {"x": "\0"}])
def test_options_of_another_shape_are_refused(config):
    with pytest.raises(ArtifactError, match="forged"):
        command_of(artifact("choose-round", config=config), PLACES, Path("/out"))


def test_several_processes_are_started_by_torchrun():
    wanted = artifact("distill", processor={"threads": 1, "processes": 4, "isa": "AVX2"}, inputs=inputs_for("distill"))
    command = command_of(wanted, PLACES, Path("/out"))
    assert command[:2] == [sys.executable, "-m"]
    assert command[2:7] == ["torch.distributed.run", "--standalone", "--nproc-per-node=4", "-m", "--"]
    assert command[7] == "potstill.distill"


@pytest.mark.parametrize("count", [0, -1, 65, 10**9, True, "4", 1.5])
def test_a_number_of_processes_that_cannot_be_is_refused(count):
    wanted = artifact("distill", processor={"processes": count})
    with pytest.raises(ArtifactError, match="processes"):
        command_of(wanted, PLACES, Path("/out"))


def test_data_that_was_not_sealed_is_named():
    found = refusals({"stage": "tokenize", "inputs": ["start"], "config": {}})
    assert found == ["tokenize read data that was not sealed; seal it, as potstill import-data does"]


def test_inputs_that_a_stage_does_not_have_are_named():
    found = refusals({"stage": "tokenize", "inputs": ["start", "data", "tokens", "config"], "config": {}})
    assert found == ["tokenize reads no 'config'", "tokenize reads no 'tokens'"]


def test_a_value_that_the_stage_would_write_in_another_way_is_refused():
    [why] = refusals({"stage": "teacher-cache", "inputs": ["teacher", "tokens"], "config": {"keep": "tinybert"}})
    assert why == "teacher-cache writes other values of keep into a manifest"


def test_an_option_out_of_its_range_is_refused():
    [why] = refusals({"stage": "choose-round", "inputs": ["pruned"], "config": {"round": -2}})
    assert "round should be greater than or equal to -1" in why
