"""The component of release hands every artifact on, those by their names as ancestors."""

import pytest
from kfp import dsl

from potstill.artifacts import read_manifest
from potstill.release.component import release
from tests.released import FURTHER, make_lineage, release_run


@pytest.fixture
def run(tmp_path):
    return make_lineage(tmp_path / "run")


def artifact(path, kind=dsl.Artifact):
    made = kind(uri=str(path))
    made.path = str(path)
    return made


def released_by_the_component(run, out, **changed):
    """Run the component's own function, on artifacts as KFP hands them in."""
    given = {name: artifact(run[name]) for name in (*FURTHER, *GIVEN)}
    outputs = {"released": artifact(out), "metrics": artifact(out.with_name("metrics"), dsl.Metrics)}
    absent = dict.fromkeys(("unlabelled", "latency"))
    options = {"release_name": "headlines", "version": "1.0.0", "override": "", "formats": ""}
    release.python_func(**{**given, "model": artifact(run["quantized"]), **absent, **options, **outputs, **changed})
    return outputs


GIVEN = ("report", "judgement", "figures", "page", "card", "onnx", "package", "definition")


def test_the_component_makes_the_very_release_that_the_stage_makes(run, tmp_path):
    outputs = released_by_the_component(run, tmp_path / "one")
    release_run(run, tmp_path / "other")
    digest = read_manifest(tmp_path / "other").digest
    assert read_manifest(tmp_path / "one").digest == digest
    assert outputs["released"].metadata["digest"] == digest
    assert outputs["metrics"].metadata["artifacts"] == 12


def test_a_refusal_ends_the_step_with_one_line(run, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        released_by_the_component(run, tmp_path / "one", tokens=None)
    assert stopped.value.code == 2
    (line,) = [each for each in capsys.readouterr().err.splitlines() if each.startswith("potstill: error")]
    assert "the lineage has holes" in line
    assert "tokens" in line


def test_an_option_that_is_refused_ends_the_step_alike(run, tmp_path, capsys):
    with pytest.raises(SystemExit):
        released_by_the_component(run, tmp_path / "one", version="latest")
    assert "version must be a semantic version" in capsys.readouterr().err
