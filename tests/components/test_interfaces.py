"""Every component is its stage's options, with the same defaults, and its compiled form is the golden one."""

import ast
import dataclasses
import inspect
from importlib import import_module
from pathlib import Path

import pytest

from pipelines.compile import COMPONENTS, compile_all
from potstill.commands import STAGES

GOLDEN = Path(__file__).parents[1] / "golden"
# Where an input lies, or where an output goes, is no option: the same texts give the same digest.
PLACES = {"tokenize": {"data_uri"}, "publish": {"place"}}


def config_of(stage):
    module = import_module(STAGES[stage][0])
    name = next(name for name in module.__all__ if name.endswith("Config"))
    return getattr(module, name)


@pytest.mark.parametrize("stage", STAGES)
def test_defaults_of_component_and_config_are_equal(stage):
    config = {field.name: field.default for field in dataclasses.fields(config_of(stage))}
    parameters = COMPONENTS[stage].component_spec.inputs
    artifacts = {name for name, spec in parameters.items() if "@" in str(spec.type)}
    others = artifacts | PLACES.get(stage, set())
    component = {name: spec.default for name, spec in parameters.items() if name not in others}
    assert component == config


@pytest.mark.parametrize("stage", STAGES)
def test_the_component_hands_every_option_on(stage):
    """The lambda in the body builds the config of exactly these keywords, each from the parameter of its name."""
    tree = ast.parse(inspect.getsource(COMPONENTS[stage].python_func).split("\n", 1)[1])
    name = config_of(stage).__name__
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name]
    handed = {keyword.arg: keyword.value.id for keyword in calls[0].keywords}
    assert handed == {field.name: field.name for field in dataclasses.fields(config_of(stage))}


@pytest.mark.parametrize("stage", STAGES)
def test_everything_in_the_interface_is_described(stage):
    spec = COMPONENTS[stage].component_spec
    undescribed = [name for name, each in {**spec.inputs, **(spec.outputs or {})}.items() if not each.description]
    assert undescribed == []


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    compile_all(folder)
    return folder


def test_compiling_twice_gives_the_same_bytes(compiled, tmp_path):
    for path in compile_all(tmp_path):
        assert path.read_bytes() == (compiled / path.relative_to(tmp_path)).read_bytes()


@pytest.mark.parametrize(
    "name", [f"components/{stage}" for stage in COMPONENTS] + ["pipelines/compress", "pipelines/export-only"]
)
def test_the_compiled_form_is_the_golden_one(compiled, name):
    """`make golden` rewrites the golden files; the diff is read in review."""
    assert (compiled / f"{name}.yaml").read_text() == (GOLDEN / f"{name}.yaml").read_text()


def test_nothing_is_installed_at_run_time(compiled):
    assert not any("pip install" in path.read_text() for path in compiled.rglob("*.yaml"))


def test_each_stage_has_its_own_image(compiled):
    images = {stage: COMPONENTS[stage].component_spec.implementation.container.image for stage in STAGES}
    assert len(set(images.values())) == len(STAGES)
