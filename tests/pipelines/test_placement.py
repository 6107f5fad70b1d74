"""Where steps run: what the compiled pipelines ask of a cluster, and what a placement file changes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.assisted import assisted
from pipelines.compile import PIPELINES, compile_all, main
from pipelines.compress import compress
from pipelines.placement import RESOURCES, STORE_STEPS, STORE_VARIABLES, TRAINING, placed
from pipelines.placement_file import STEPS, Placement, read_placement

FILES = Path(__file__).parents[2] / "pipelines" / "params" / "placement"
STAGES = [name for name in RESOURCES if name != "teacher-ensemble"]  # that one is of `assisted`


def platform_of(pipeline, stage):
    """What kfp-kubernetes says of a step."""
    spec = pipeline.platform_spec.platforms["kubernetes"]
    return dict(spec.deployment_spec.executors[f"exec-{stage}"])


def resources_of(pipeline, stage):
    return pipeline.pipeline_spec.deployment_spec["executors"][f"exec-{stage}"]["container"]["resources"]


def placement(tmp_path, text):
    path = tmp_path / "placement.yaml"
    path.write_text(text, encoding="utf-8")
    return read_placement(path)


def compiled(folder, *arguments):
    assert main(["--out", str(folder), *arguments]) == 0
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.yaml")}


@pytest.mark.parametrize("stage", STAGES)
def test_every_step_runs_as_no_root_for_a_bounded_time(stage):
    found = platform_of(compress, stage)
    assert found["securityContext"] == {"runAsNonRoot": True}
    assert 0 < int(found["activeDeadlineSeconds"]) <= 86_400
    assert found["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize("stage", STAGES)
def test_credentials_go_only_to_steps_that_speak_to_the_store(stage):
    found = platform_of(compress, stage).get("secretAsEnv", [])
    assert bool(found) == (stage in STORE_STEPS)
    for each in found:
        assert each["secretName"] == "potstill-store"
        assert each["optional"] is True  # a pipeline without a checkpoint_uri runs without a secret
        assert [pair["envVar"] for pair in each["keyToEnv"]] == list(STORE_VARIABLES)


def test_the_trainings_that_speak_to_the_store_are_those_that_can_keep_checkpoints_there():
    components = compress.pipeline_spec.components
    for stage in STAGES:
        keeps = "checkpoint_uri" in components[f"comp-{stage}"].input_definitions.parameters
        assert (stage in STORE_STEPS) == (keeps or stage in ("tokenize", "publish")), stage


@pytest.mark.parametrize("stage", STAGES)
def test_the_signing_key_is_mounted_in_sign_alone(stage):
    found = platform_of(compress, stage).get("secretAsVolume", [])
    assert bool(found) == (stage == "sign")
    assert all(each["mountPath"] == "/var/run/potstill/signing" for each in found)


def test_every_step_of_every_pipeline_is_placed():
    for pipeline in PIPELINES.values():
        steps = set(dict(pipeline.pipeline_spec.deployment_spec)["executors"])
        containers = {name for name in steps if not name.startswith("exec-importer")}
        assert set(dict(pipeline.platform_spec.platforms["kubernetes"].deployment_spec.executors)) == containers


def test_the_steps_of_a_file_are_the_steps_there_are():
    assert set(STEPS) == set(RESOURCES)
    assert set(TRAINING) < set(STEPS)


def test_the_kind_file_writes_out_the_defaults():
    written = yaml.safe_load((FILES / "kind.yaml").read_text(encoding="utf-8"))
    assert list(written) == list(Placement.model_fields)
    assert read_placement(FILES / "kind.yaml") == Placement()


def test_the_guides_file_is_one(tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(service_account.*?)```", guide, re.DOTALL)
    assert placement(tmp_path, shown).steps["validate"].memory == "12G"


def test_placing_again_as_before_gives_the_same_bytes(tmp_path):
    plain = compiled(tmp_path / "plain")
    assert compiled(tmp_path / "kind", "--placement", str(FILES / "kind.yaml")) == plain
    assert [path for path in plain if path.parent.name == "pipelines"]


def test_compiling_twice_with_a_placement_gives_the_same_bytes(tmp_path):
    once = compiled(tmp_path / "once", "--placement", str(FILES / "gpu-spot.yaml"))
    assert compiled(tmp_path / "twice", "--placement", str(FILES / "gpu-spot.yaml")) == once


def test_a_placement_changes_no_component_and_not_what_runs(tmp_path):
    plain = {path: path.read_bytes() for path in compile_all(tmp_path / "plain") if "components" in path.parts}
    elsewhere = compile_all(tmp_path / "elsewhere", read_placement(FILES / "gpu-spot.yaml"))
    for path, content in plain.items():
        assert (tmp_path / "elsewhere" / path.relative_to(tmp_path / "plain")).read_bytes() == content
    before, after = (
        next(yaml.safe_load_all((tmp_path / each / "pipelines" / "compress.yaml").read_text()))
        for each in ("plain", "elsewhere")
    )
    assert after["components"] == before["components"]
    assert len(elsewhere) == len(plain) + len(PIPELINES)


def test_trainings_go_to_gpus_and_the_rest_to_its_own_pool():
    there = placed(compress, read_placement(FILES / "gpu-spot.yaml"))
    assert dict(resources_of(there, "distill")["accelerator"])["resourceType"] == "nvidia.com/gpu"
    assert resources_of(there, "distill")["resourceMemoryLimit"] == "32G"
    assert platform_of(there, "distill")["nodeSelector"]["labels"] == {"cloud.google.com/gke-nodepool": "gpu-spot"}
    keys = [each["key"] for each in platform_of(there, "distill")["tolerations"]]
    assert keys == ["nvidia.com/gpu", "cloud.google.com/gke-spot"]
    assert "accelerator" not in resources_of(there, "validate")
    assert resources_of(there, "validate")["resourceMemoryLimit"] == "12G"
    assert platform_of(there, "tokenize")["nodeSelector"]["labels"] == {"cloud.google.com/gke-nodepool": "pipelines"}
    assert there.pipeline_spec.root.dag.tasks["distill"].retry_policy.max_retry_count == 20


def test_the_narrower_rule_goes_first_and_selectors_add_up(tmp_path):
    there = placed(
        compress,
        placement(
            tmp_path,
            "all: {cpu: 1, memory: 3G, node_selector: {pool: a, zone: b}}\n"
            "trainings: {cpu: 3, node_selector: {pool: t}}\n"
            "steps: {prune: {cpu: 500m, timeout_seconds: 60}}\n",
        ),
    )
    cpus = {stage: resources_of(there, stage)["resourceCpuLimit"] for stage in ("gate", "qat", "prune")}
    assert cpus == {"gate": "1", "qat": "3", "prune": "500m"}
    assert resources_of(there, "prune")["resourceMemoryRequest"] == "3G"
    assert platform_of(there, "prune")["nodeSelector"]["labels"] == {"pool": "t", "zone": "b"}
    assert platform_of(there, "prune")["activeDeadlineSeconds"] == "60"


def test_a_platform_may_have_its_own_names_and_no_secret(tmp_path):
    there = placed(compress, placement(tmp_path, "store_secret: ours\nimage_pull_secrets: [registry]\nretries: 0\n"))
    assert platform_of(there, "qat")["secretAsEnv"][0]["secretName"] == "ours"
    assert platform_of(there, "gate")["imagePullSecret"][0]["secretName"] == "registry"
    assert not there.pipeline_spec.root.dag.tasks["qat"].HasField("retry_policy")
    rightful = placed(compress, placement(tmp_path, "store_secret: ''\n"))
    assert "secretAsEnv" not in platform_of(rightful, "qat")


def test_steps_within_a_loop_are_placed_too(tmp_path):
    there = placed(assisted, placement(tmp_path, "trainings: {node_selector: {pool: t}}\n"))
    assert platform_of(there, "teacher-train-2")["nodeSelector"]["labels"] == {"pool": "t"}


def test_the_pipeline_that_was_placed_stays_as_it_is(tmp_path):
    before = compress.pipeline_spec.SerializeToString(deterministic=True)
    placed(compress, placement(tmp_path, "all: {cpu: 7}\n"))
    assert compress.pipeline_spec.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("store_secert: x", ["there is no store_secert", "nearest: store_secret"]),
        ("steps: {prun: {}}", ["steps.prun", "'prune'"]),
        ("trainings: {memroy: 8G, cpus: 2}", ["there is no trainings.memroy", "there is no trainings.cpus"]),
        ("all: {memory: lots}", ["all.memory must be bytes, such as 8G", "'lots'"]),
        ("all: {cpu: -1}", ["all.cpu must be cores"]),
        ("all: {gpus: 1.5}", ["all.gpus must be a valid integer"]),
        ("all: 3", ["all must be a mapping, got 3"]),
        ("trainings: {gpus: -1}", ["trainings.gpus must be greater than or equal to 0"]),
        ("all: {tolerations: [{efect: NoSchedule}]}", ["there is no all.tolerations.0.efect", "nearest: effect"]),
        ("all: {node_selector: {spot: true}}", ["all.node_selector.spot must be a valid string"]),
        ("store_secret: Not_A_Name", ["store_secret must be the name of a Kubernetes object"]),
        ("image_pull_policy: Sometimes", ["'IfNotPresent', 'Always' or 'Never'"]),
        ("retries: 2147483648", ["retries must be less than or equal to 2147483647"]),
        ("all: {timeout_seconds: 99999999999}", ["all.timeout_seconds must be less than or equal to 2147483647"]),
        ("all: {cpu: 0.0}", ["all.cpu must be cores"]),
        ("all: {cpu: 0m}", ["all.cpu must be cores"]),
        ("all: {memory: 512}", ["all.memory must be bytes", "4M or more"]),
        ("all: {memory: 3Mi}", ["all.memory must be bytes", "4M or more"]),
        ("gpu_type: ''", ["gpu_type must be a resource of Kubernetes, such as nvidia.com/gpu"]),
        ("gpu_type: H200", ["gpu_type must be a resource of Kubernetes"]),
        ("all: {node_selector: {'a b': c}}", ["all.node_selector.a b must be a label"]),
        ("all: {node_selector: {pool: 'a b'}}", ["all.node_selector.pool must be a label"]),
        ("all: {tolerations: [{key: k, operator: Exists, value: v}]}", ["must be without a value where the operator"]),
        ("all: {tolerations: [{value: v}]}", ["all.tolerations.0 must be with a key"]),
        ("all: {tolerations: [{key: 'a/b/c'}]}", ["all.tolerations.0.key must be a label"]),
        ("retries: 1\nretries: 2", ["retries given twice"]),
        ("all: {cpu: 1, memory: 8G, cpu: 2}", ["cpu given twice"]),
        ("all: " + "[" * 5000, ["cannot be read as a placement file"]),
        ("retries: 2026-13-01", ["cannot be read as a placement file"]),
        ("- a", ["holds no placement"]),
        ("a: [", ["cannot be read as a placement file"]),
    ],
)
def test_nonsense_is_refused_in_one_line(text, words, tmp_path, capsys):
    (tmp_path / "placement.yaml").write_text(text, encoding="utf-8")
    arguments = ["--out", str(tmp_path / "dist"), "--placement", str(tmp_path / "placement.yaml")]
    assert main(arguments) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    for word in [*words, "placement.yaml"]:
        assert word in told[0]
    assert not (tmp_path / "dist").exists()


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "dist"), "--placement", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml cannot be read as a placement file" in capsys.readouterr().err


def test_what_kubernetes_takes_is_taken(tmp_path):
    all_of = "{cpu: 0.5, memory: 4Mi, gpus: 0, node_selector: {example.com/pool: '', a_b: C.d}}"
    assert placement(tmp_path, f"all: {all_of}\n").all.memory == "4Mi"
    found = placement(tmp_path, "all: {tolerations: [{operator: Exists}, {key: k, value: v}, {key: example.com/k}]}\n")
    assert len(found.all.tolerations) == 3


FOREIGN = """
from kfp import compiler, components, dsl

prune = components.load_component_from_file("prune.yaml")


@dsl.pipeline
def mine(model_uri: str, tokens_uri: str):
    model = dsl.importer(artifact_uri=model_uri, artifact_class=dsl.Model)
    tokens = dsl.importer(artifact_uri=tokens_uri, artifact_class=dsl.Dataset)
    prune(student=model.output, tokens=tokens.output, ffn_sparsity=0.5)


compiler.Compiler().compile(mine, "mine.yaml")
"""


def test_a_foreign_pipeline_takes_one_component_without_this_repository(tmp_path):
    """The guide's own lines, in a folder of someone else's, with no potstill and no `pipelines` to import."""
    guide = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
    for line in FOREIGN.strip().splitlines()[4:-2]:
        assert line in guide
    compile_all(tmp_path / "dist")
    (tmp_path / "dist" / "components" / "prune.yaml").rename(tmp_path / "prune.yaml")
    (tmp_path / "mine.py").write_text(FOREIGN, encoding="utf-8")
    hidden = "import sys; sys.modules['potstill'] = sys.modules['pipelines'] = None"
    code = f"{hidden}; exec(open('mine.py').read())"
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore::FutureWarning", "-c", code],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (spec,) = yaml.safe_load_all((tmp_path / "mine.yaml").read_text(encoding="utf-8"))  # no cluster is named: one
    task = spec["root"]["dag"]["tasks"]["prune"]
    assert task["inputs"]["parameters"]["ffn_sparsity"]["runtimeValue"]["constant"] == 0.5
    ours = yaml.safe_load((tmp_path / "prune.yaml").read_text(encoding="utf-8"))
    image = ours["deploymentSpec"]["executors"]["exec-prune"]["container"]["image"]
    assert spec["deploymentSpec"]["executors"]["exec-prune"]["container"]["image"] == image
