"""The definition is held against what was made: its files, runner, images, lock and limits."""

import json
import shutil

import pytest

from potstill.artifacts import DEFINITION, seal
from potstill.errors import ArtifactError, InputError
from potstill.evidence.limits import DEFAULTS
from potstill.evidence.provenance import provenance_of
from potstill.evidence.whole import evidence_of
from potstill.validate.budgets import Budgets, failures_of, judge_budgets, read_budgets, verdict_of, write_verdict
from tests.released import OPEN, made_by, make_lineage, release_run


@pytest.fixture
def run(tmp_path):
    return make_lineage(tmp_path / "run")


def redefine(run, config=None, **files):
    """Seal the definition again, of other files or another config; a file of None is left out."""
    place = run["definition"]
    kept = {each.name: each.read_bytes() for each in place.iterdir() if each.name != "artifact.json"}
    kept |= {name.replace("_", "."): data for name, data in files.items()}
    shutil.rmtree(place)
    place.mkdir()
    for name, data in kept.items():
        if data is not None:
            (place / name).write_bytes(data)
    settings = {"pipeline": "potstill-compress", "runs_on": "local"} | (config or {})
    seal(place, DEFINITION, made_by("definition", settings), {}, {"pipeline": "potstill-compress"}, OPEN)


def relimit(run, budgets):
    """Judge the same figures under other limits, as a forger of a verdict would."""
    figures, asked = json.loads(run["figures"].read_text()), read_budgets(budgets)
    judgements = judge_budgets(figures, asked)
    figures |= {"budgets": judgements, "verdict": verdict_of(judgements), "failures": failures_of(judgements)}
    write_verdict(run["judgement"], figures, asked)
    run["figures"].write_text(json.dumps(figures))


LOCK = b"numpy==2.3.5\ntokenizers==0.22.2\ntorch==2.13.0\ntransformers==4.57.6\n"
CHANGES = {
    "missing or extra: run.sh": {"run_sh": b"#!/bin/sh"},
    "missing or extra: images.json": {"images_json": None},
    "runs on 'the moon'": {"config": {"runs_on": "the moon"}},
    "images.json names no image": {"config": {"runs_on": "kubeflow-pipelines"}, "images_json": b"{}"},
    "an image of 'nothing', which is no stage": {"images_json": b'{"nothing":"x"}'},
    "prune runs in 'evil', pipeline.yaml says in 'registry": {"images_json": b'{"prune":"evil"}'},
    "of which pipeline.yaml knows nothing": {"images_json": b'{"latency-table":"evil"}'},
    "ran with 'torch' '2.13.0+cpu', requirements.txt of the definition has '2.12.0'": {
        "requirements_txt": LOCK.replace(b"2.13.0", b"2.12.0")
    },
    "ran with 'numpy' '2.3.5', requirements.txt of the definition has none": {
        "requirements_txt": LOCK.replace(b"numpy==2.3.5\n", b"")
    },
    "judged by max_size_mb 20.0, the definition asked for 5": {
        "parameters_json": json.dumps({"budgets": '{"max_size_mb": 5}'}).encode()
    },
    "judged by max_ece 0.1, the definition asked for None": {
        "parameters_json": json.dumps({"budgets": '{"max_ece": null}'}).encode()
    },
    "judged by beat_tfidf True, the definition asked for 1": {
        "parameters_json": json.dumps({"budgets": '{"beat_tfidf": 1}'}).encode()
    },
}


@pytest.mark.parametrize("said", CHANGES)
def test_a_definition_of_another_run_is_refused(run, tmp_path, said):
    redefine(run, **CHANGES[said])
    with pytest.raises(ArtifactError) as refused:
        release_run(run, tmp_path / "release")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("budgets", ["max_size_mb: 20", '{"max_size": 20}', "[]", 20, '{"max_ece": 1, "max_ece": 0.1}'])
def test_budgets_that_are_not_read_are_refused(run, tmp_path, budgets):
    redefine(run, parameters_json=json.dumps({"budgets": budgets}).encode())
    with pytest.raises(InputError, match=r"parameters\.json: budgets"):
        release_run(run, tmp_path / "release")


def test_limits_that_the_definition_did_not_ask_for_are_refused(run, tmp_path):
    relimit(run, "max_size_mb: 500")
    with pytest.raises(ArtifactError, match=r"judged by max_size_mb 500\.0, the definition asked for 20\.0"):
        release_run(run, tmp_path / "release")


def test_without_a_definition_limits_are_the_releasers_and_the_card_tells_them(tmp_path):
    run = make_lineage(tmp_path / "run", definition=False)
    relimit(run, "max_size_mb: 500")
    release_run(run, tmp_path / "release")
    assert "max\\_size\\_mb 500," in (tmp_path / "release" / "README.md").read_text(encoding="utf-8")


def test_limits_that_the_definition_asked_for_are_accepted(tmp_path):
    run = make_lineage(tmp_path / "run", budgets="max_size_mb: 500\nmax_ece: null\nbeat_tfidf: false")
    release_run(run, tmp_path / "release")
    assert evidence_of(tmp_path / "release").verdict["limits"]["max_size_mb"] == 500


def test_a_card_that_tells_other_limits_is_refused(run, tmp_path):
    release_run(run, tmp_path / "release")
    card = tmp_path / "release" / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("size\\_mb 20,", "size\\_mb 2,"), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"README\.md does not tell the limits"):
        evidence_of(tmp_path / "release")


@pytest.mark.parametrize(
    ("config", "runner"), [({}, "local"), ({"runs_on": "kubeflow-pipelines"}, "kubeflow-pipelines")]
)
def test_where_a_pipeline_runs_is_what_its_definition_declares(run, tmp_path, config, runner):
    redefine(run, config)
    release_run(run, tmp_path / "release")
    assert evidence_of(tmp_path / "release").runs_on == runner


def test_the_defaults_are_those_of_validate():
    assert Budgets().model_dump(mode="json") == DEFAULTS


def test_validate_of_a_run_that_is_judged_again_ran_here_in_no_image(tmp_path):
    run = make_lineage(tmp_path / "run", images=True)
    images = json.loads((run["definition"] / "images.json").read_bytes())
    del images["validate"]
    config = {"runs_on": "kubeflow-pipelines", "judged_on": "local", "judged_anew": "ab" * 32}
    redefine(run, config, images_json=json.dumps(images).encode())
    release_run(run, tmp_path / "release")
    evidence = evidence_of(tmp_path / "release")
    made = {each.made_by["stage"]: provenance_of(each, evidence)["predicate"] for each in evidence.manifests.values()}
    builders = {stage: each["runDetails"]["builder"]["id"] for stage, each in made.items()}
    assert builders.pop("validate") == "urn:potstill:builder:local"
    assert set(builders.values()) == {"urn:potstill:builder:kubeflow-pipelines"}
    read = {stage: each["buildDefinition"]["resolvedDependencies"] for stage, each in made.items()}
    assert "image" not in {each["name"] for each in read["validate"]}
    assert "image" in {each["name"] for each in read["qat"]}


def test_a_judge_on_an_unknown_runner_is_refused(run, tmp_path):
    redefine(run, {"judged_on": "the moon"})
    with pytest.raises(ArtifactError, match="runs on 'the moon'"):
        release_run(run, tmp_path / "release")
