""".github/workflows/, which run elsewhere: pinned, with few rights, and in step with the guide."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_rights_and_ends(path):
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert body["permissions"] == {"contents": "read"}
    for job in body["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 180
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_command_that_fails_before_a_pipe_fails(path):
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert body["defaults"] == {"run": {"shell": "bash"}}  # GitHub's name for bash -eo pipefail
    assert not any("defaults" in job or "shell" in step for job in body["jobs"].values() for step in job["steps"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit(path):
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert used
    assert [each for each in used if not PINNED.fullmatch(each)] == []
    assert PINNED.fullmatch("actions/checkout@v6") is None


def test_the_guide_and_its_workflow_name_the_same_versions():
    guide = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    env = yaml.safe_load((ROOT / ".github" / "workflows" / "cluster.yml").read_text(encoding="utf-8"))["env"]
    assert f"KFP_VERSION={env['KFP_VERSION']}" in guide
    assert f"--image {env['NODE_IMAGE']}" in guide
    assert f"kind](https://kind.sigs.k8s.io/docs/user/quick-start/#installation) {env['KIND_VERSION'][1:-2]}" in guide


def test_the_workflow_does_what_the_guide_says():
    guide, workflow = (
        (ROOT / path).read_text(encoding="utf-8") for path in ("docs/cluster.md", ".github/workflows/cluster.yml")
    )
    for command in (
        "kubectl apply -k manifests/overlays/kind",
        "images/build --archive build/potstill.tar",
        "kind load image-archive build/potstill.tar --name potstill",
        "kubectl wait --for condition=available --timeout=20m --all deployment --namespace kubeflow",
        "aws s3 cp --recursive start s3://mlpipeline/potstill/start",
        "-m pipelines.compress --submit http://localhost:8080 --params pipelines/params/tiny.yaml",
        "-m pipelines.verify result",
    ):
        assert command in guide
        assert command in workflow
