"""The images of a compiled pipeline, read by lines: what a YAML library reads, or nothing."""

import json

import pytest
import yaml

from potstill.errors import ArtifactError, InputError
from potstill.evidence.compiled import images_in
from tests.released import make_lineage, release_run
from tests.unit.test_evidence_definition import redefine

GOOD, EVIL = "good.example/x@sha256:" + "00" * 32, "evil.example/x@sha256:" + "66" * 32
TAIL = "pipelineInfo:\n  name: x\nroot:\n  dag: {}\nschemaVersion: 2.1.0\nsdkVersion: kfp-2.17.0\n"


def executor(name="exec-prune", image=GOOD, more=""):
    return f"    {name}:\n      container:\n        args:\n        - --x\n        image: {image}\n{more}"


def pipeline(*executors, before="  comp-x:\n    executorLabel: exec-x\n", tail=TAIL, head="# PIPELINE DEFINITION\n"):
    body = "".join(executors)
    return f"{head}components:\n{before}deploymentSpec:\n  executors:\n{body}{tail}"


def test_each_component_has_its_own_images():
    text = pipeline(
        executor(), executor("exec-prune-2"), executor("exec-qat", EVIL),
        "    exec-importer:\n      importer:\n        artifactUri:\n          runtimeParameter: uri\n",
        tail=f"{TAIL}---\nplatforms:\n  kubernetes:\n    deploymentSpec:\n      executors: {{}}\n",
    )  # fmt: skip
    assert images_in(text.encode()) == {"prune": {GOOD}, "qat": {EVIL}}


def test_one_that_is_used_again_elsewhere_has_two():
    assert images_in(pipeline(executor(), executor("exec-prune-2", EVIL)).encode()) == {"prune": {GOOD, EVIL}}


@pytest.mark.parametrize(
    "text",
    [
        pipeline(f"    # exec-prune: {GOOD}\n", executor(image=EVIL)),
        pipeline(executor(image=EVIL, more=f"        #image: {GOOD}\n")),
        pipeline(executor(image=EVIL), head=f"# image: {GOOD}\n"),
        pipeline(executor(image=EVIL, more=f"        env:\n        - name: image\n          image: {GOOD}\n")),
    ],
)
def test_a_comment_or_another_option_is_no_image(text):
    assert yaml.safe_load(text)["deploymentSpec"]["executors"]["exec-prune"]["container"]["image"] == EVIL
    assert images_in(text.encode()) == {"prune": {EVIL}}


FAKE = f'    exec-a:\n      container:\n        args:\n        - "\n{executor()}'
HIDDEN = {
    "a text in an executor": f'{FAKE}          "\n        image: {GOOD}\n{executor(image=EVIL)}',
    "a text that ends the section": f'{FAKE}pipelineInfo:\n          "\n        image: {GOOD}\n{executor(image=EVIL)}',
    "an unknown key in a text": f'{FAKE}more:\n          "\n        image: {GOOD}\n{executor(image=EVIL)}',
    "a second image in a text": executor(image=EVIL).replace("- --x", f'- "\n        image: {GOOD}\n          "'),
    "a name twice": executor() + executor(image=EVIL),
    "an image twice": executor(more=f"        image: {EVIL}\n"),
    "a name in quotes": executor('"exec-prune"', EVIL),
    "an image in quotes": executor(image=f'"{GOOD}"'),
    "an image with a comment": executor(image=f"{GOOD} # {EVIL}"),
    "an image in the next line": executor(image=f"\n          {GOOD}"),
    "a parameter for an image": executor(image="'{{$.inputs.parameters[''image'']}}'"),
    "a key in quotes": executor(image=GOOD, more=f'        "image": {EVIL}\n'),
    "a merged key": executor(more="        <<: *evil\n"),
    "no image": "    exec-prune:\n      container:\n        args: []\n",
    "in braces": f"    exec-prune:\n      container: {{image: {GOOD}}}\n",
    "on one line": f"    exec-prune: {{container: {{image: {GOOD}}}}}\n",
    "further to the right": executor().replace("        image", "         image"),
    "container and importer": "    exec-prune:\n      importer:\n        a: b\n" + executor().partition("\n")[2],
    "another end of line": executor(image=f"{GOOD}\x85"),
    "no executor": "    exec-prune:\n",
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_another_reader_may_read_otherwise_is_refused(what):
    with pytest.raises(InputError, match=r"pipeline\.yaml"):
        images_in(pipeline(HIDDEN[what]).encode())


@pytest.mark.parametrize(
    "text",
    [
        executor(),
        pipeline(executor(), before=f'  x: "\ndeploymentSpec:\n  executors:\n{executor()}  "\n'),
        pipeline(executor(), tail=f"{TAIL}---\ncomponents:\n  x: y\n"),
        pipeline(executor(), tail=f"{TAIL}deploymentSpec:\n  executors:\n{executor(image=EVIL)}"),
        pipeline(executor(), tail="root:\n  dag: x\n"),
        pipeline(executor(), head='"deploymentSpec": {}\n'),
        pipeline(executor(), head=" x: y\n"),
        pipeline().replace("deploymentSpec:\n  executors:\n", "deploymentSpec: x\n"),
        pipeline(executor()).replace("  executors:", "  others:"),
        "",
        "\udcff",
    ],
)
def test_a_file_that_is_no_compiled_pipeline_is_refused(text):
    with pytest.raises(InputError, match=r"pipeline\.yaml"):
        images_in(text.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("rotated", [True, False])
def test_images_of_other_stages_are_refused(tmp_path, rotated):
    """Each of them stands in the pipeline, and none is that of its stage."""
    run = make_lineage(tmp_path / "run", images=True)
    place = run["definition"]
    images = json.loads((place / "images.json").read_bytes())
    stages = list(images)
    if rotated:
        changed = dict(zip(stages, [*list(images.values())[1:], images[stages[0]]], strict=True))
        redefine(run, {"runs_on": "kubeflow-pipelines"}, images_json=json.dumps(changed).encode())
    else:
        told = b"# " + GOOD.encode() + b"\n" + (place / "pipeline.yaml").read_bytes()
        every = json.dumps(dict.fromkeys(stages, GOOD)).encode()
        redefine(run, {"runs_on": "kubeflow-pipelines"}, images_json=every, pipeline_yaml=told)
    with pytest.raises(ArtifactError, match=r"images\.json says that distill runs in .*, pipeline\.yaml says in "):
        release_run(run, tmp_path / "release")
