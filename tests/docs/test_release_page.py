"""The example of docs/pipelines/release.md is whole: what it shows can be sent, and lacks nothing."""

import re
from pathlib import Path

import pytest
import yaml

from pipelines.command import main
from pipelines.compress import compress
from pipelines.release import release_pipeline
from potstill.signing.keys import new_key

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "pipelines" / "release.md").read_text(encoding="utf-8")
PLACEMENT = ROOT / "pipelines" / "params" / "placement" / "release.yaml"


def block(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return found


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A folder with the files that the example names."""
    monkeypatch.chdir(tmp_path)
    new_key(Path("release.key"))
    Path("release-params.yaml").write_text(block("yaml"))
    Path("policy.toml").write_text(block("toml"))
    return tmp_path


def test_the_example_can_be_sent(beside, kfp_api):
    options = ["--submit", kfp_api.url, "--params", "release-params.yaml", "--placement", str(PLACEMENT), "--wait"]
    assert main(release_pipeline, options) == 0
    (body,) = kfp_api.runs.values()
    given = body["runtime_config"]["parameters"]
    assert body["service_account"] == "potstill-signer"
    assert given["release_public_key"] == Path("release.pub").read_text()
    assert given["release_policy"] == block("toml")
    inputs = release_pipeline.component_spec.inputs
    assert [name for name, spec in inputs.items() if not spec.optional and not given.get(name)] == []


def test_every_uri_ends_as_compress_writes_it():
    tasks = compress.pipeline_spec.root.dag.tasks
    components = compress.pipeline_spec.components
    ends = re.findall(r"RUN/([\w-]+)/ID/(\w+)$", block("yaml"), re.MULTILINE)
    assert len(ends) == len([name for name in yaml.safe_load(block("yaml")) if name.endswith("_uri")]) - 1
    for step, output in ends:
        assert output in components[tasks[step].component_ref.name].output_definitions.artifacts


def test_every_parameter_of_a_release_is_in_the_table():
    listed = set(re.findall(r"^\| `(release_\w+)` \|", PAGE, re.MULTILINE))
    assert listed == {name for name in release_pipeline.component_spec.inputs if name.startswith("release_")}
