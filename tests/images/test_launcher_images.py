"""The compress pipeline as KFP's backend runs it: each step in its own image, hardened, artifacts through a bucket.

The store has policies, and the pods' user only the rights that they give. A step that failed uploads its log alone;
so what is proved here is proved by the artifacts, which are downloaded anew.
"""

import json
import subprocess
from dataclasses import replace

import pytest

from potstill.artifacts import CHECKPOINT, COREML, ONNX, REPORT, TEACHER_OUTPUTS, TOKENS, expect
from tests.docker_engine import require_image
from tests.launcher import faults
from tests.launcher.backend import Run
from tests.launcher.pod import Audit, run_pod
from tests.launcher.pods import ImagePods
from tests.launcher.tiny import TINY, compiled, put_sources
from tests.launcher.users import BUCKET, DATA, FOREIGN, RUNS, shared_store

pytestmark = [pytest.mark.docker, pytest.mark.s3]
ROOT = f"s3://{BUCKET}/{RUNS}"
STATES = f"{ROOT}/states"
SEALED = {
    "tokenize": {"tokens": TOKENS},
    "teacher-train": {"teacher": CHECKPOINT},
    "teacher-cache": {"outputs": TEACHER_OUTPUTS},
    "distill": {"student": CHECKPOINT},
    "prune": {"pruned": CHECKPOINT},
    "qat": {"quantized": CHECKPOINT},
    "onnx-export": {"onnx": ONNX},
    "coreml-export": {"package": COREML},
    "validate": {"report": REPORT},
}
# Each fault once, and each stage.
CASES = [
    ("tokenize", "start", faults.stale_object),
    ("teacher-train", "start", faults.missing_manifest),
    ("teacher-cache", "teacher", faults.wrong_kind),
    ("distill", "teacher_outputs", faults.missing_object),
    ("prune", "student", faults.unfinished_upload),
    ("qat", "teacher", faults.wrong_bytes),
    ("onnx-export", "tokens", faults.truncated_manifest),
    ("coreml-export", "model", faults.truncated_object),
    ("validate", "onnx", faults.empty_prefix),
    ("validate", "package", faults.stale_object),
]
FACTS = """
import os, json, pathlib
def writes(place):
    try:
        pathlib.Path(place, "x").write_text("x")
        return True
    except OSError:
        return False
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "ids": [os.getuid(), os.getgid()],
    "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16),
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "writes": [each for each in ("/", "/opt", "/opt/potstill", "/home", "/var", "/tmp", "/in", "/out") if writes(each)],
}))
"""


@pytest.fixture(scope="module")
def images():
    return {stage: require_image(stage) for stage in SEALED}


@pytest.fixture(scope="module")
def shared(tmp_path_factory, images, radosgw):  # without Ceph's programs, that one skips
    with shared_store(tmp_path_factory.mktemp("s3")) as shared:
        yield shared


@pytest.fixture(scope="module")
def begin(shared, tmp_path_factory, tokenizer_folder):
    """Make a run."""
    folder = tmp_path_factory.mktemp("sources")
    sources = put_sources(shared.owner, f"s3://{BUCKET}/{DATA}", tokenizer_folder, folder)
    audit = Audit(shared.pods.server.endpoint.removeprefix("http://"))

    def begin(store=shared.pods, **arguments):
        scratch = tmp_path_factory.mktemp("pods")
        return Run(compiled("compress"), {**TINY, **sources, **arguments}, store, ROOT, ImagePods(audit), scratch)

    return begin


@pytest.fixture(scope="module")
def finished(begin):
    """The whole run, and what each task came to."""
    run = begin(checkpoint_uri=STATES)
    return run, {outcome.task: outcome for outcome in run}


def test_the_whole_pipeline_runs_through_the_bucket(finished, shared, tmp_path):
    run, outcomes = finished
    failed = {name: outcome.log[-3000:] for name, outcome in outcomes.items() if outcome.code}
    assert failed == {}
    assert list(outcomes) == [task.name for task in run.pipeline.tasks if not task.given]  # nobody asked for a release
    assert outcomes["validate"].outputs.parameters == {"verdict": "pass", "failures": ""}
    digests = {}
    for task, artifacts in SEALED.items():
        for name, kind in artifacts.items():
            artifact = run.done[task].artifacts[name]
            digests[name] = expect(shared.owner.download(artifact["uri"], tmp_path), kind).digest
            assert artifact["metadata"]["digest"] == digests[name]
    report = expect(tmp_path / "s3" / run.done["validate"].artifacts["report"]["uri"].removeprefix("s3://"), REPORT)
    assert report.inputs["onnx"] == digests["onnx"]
    assert report.inputs["teacher"] == digests["teacher"]
    judgement = json.loads(shared.owner.read(run.done["validate"].artifacts["judgement"]["uri"]))
    assert judgement["verdict"] == "pass"


def test_no_step_tries_what_it_may_not(finished):
    _, outcomes = finished
    for outcome in outcomes.values():
        if outcome.given:  # importers have no pod
            assert "potstill-audit: watches" in outcome.log
        assert [line for line in outcome.log.splitlines() if "potstill-audit: refused" in line] == []


@pytest.mark.parametrize(("step", "given", "fault"), CASES, ids=lambda each: getattr(each, "__name__", each))
def test_a_step_refuses_what_is_not_whole_by_name(step, given, fault, finished, shared):
    run, _ = finished
    tokens = run.done["tokenize"].artifacts["tokens"]["uri"]
    place, word = faults.faulty(fault, shared.owner, run.wired(step, given), tokens)
    line = faults.refusal(run.step(step, **{given: place}))
    assert f"/s3/{place.removeprefix('s3://')}" in line
    assert word in line


def test_a_retry_after_a_killed_attempt_is_whole_and_a_leftover_is_named(begin, finished, shared, tmp_path):
    run = begin()
    run.done |= finished[0].done
    attempts = run.attempts("teacher-cache", retries=1)
    first = next(attempts)
    outputs = first.outputs.artifacts["outputs"]
    _, lost, *_ = shared.owner.keys(outputs["uri"])
    shared.owner.client.delete_object(Bucket=BUCKET, Key=lost)
    assert next(attempts).uploaded == first.uploaded
    assert (
        expect(shared.owner.download(outputs["uri"], tmp_path), TEACHER_OUTPUTS).digest == outputs["metadata"]["digest"]
    )
    leftover = faults.stale_object(shared.owner, outputs["uri"], "")
    assert leftover in faults.refusal(run.step("distill", teacher_outputs=outputs["uri"]))


@pytest.mark.parametrize(
    ("place", "secret", "word"),
    [(f"s3://{FOREIGN}/states", "", "AccessDenied"), (f"{ROOT}/other-states", "0" * 40, "SignatureDoesNotMatch")],
    ids=["another bucket", "a wrong secret"],
)
def test_a_step_that_may_not_write_its_checkpoints_says_so_in_one_line(place, secret, word, begin, finished, shared):
    run = begin(checkpoint_uri=place)
    run.done |= finished[0].done
    if secret:  # of the pod; the launcher's own stays right
        run.store = replace(shared.pods, server=replace(shared.pods.server, secret_key=secret))
    line = faults.refusal(run.step("distill"))
    assert place in line
    assert word in line
    assert shared.owner.keys(place) == []


def test_no_secret_is_in_what_is_kept(finished, shared):
    for key in shared.owner.keys(f"s3://{BUCKET}/"):
        data = shared.owner.read(f"s3://{BUCKET}/{key}")
        assert not any(secret in data for secret in [*shared.secrets, b"0" * 40]), key


def test_a_pod_is_as_hard_as_it_says(images, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    given = {"readable": {"/in": tmp_path / "in"}, "writable": {"/out": tmp_path / "out"}}
    ended = run_pod(images["tokenize"], ["python3", "-c", FACTS], **given)
    facts = json.loads(ended.log)
    assert facts["ids"][0] >= 1000
    assert facts["ids"][1] == 0
    assert facts["capabilities"] == 0
    assert facts["no_new_privileges"] == "1"
    assert facts["interfaces"] == ["lo"]
    assert facts["writes"] == ["/tmp", "/out"]
    assert [each.name for each in tmp_path.rglob("x")] == ["x"]


def test_a_pod_is_bounded_in_memory_and_time(images):
    greedy = ["python3", "-c", "b'x' * (1 << 29)"]
    assert run_pod(images["tokenize"], greedy, memory=1 << 28).code == 137
    with pytest.raises(subprocess.TimeoutExpired):
        run_pod(images["tokenize"], ["sleep", "601.5"], seconds=3)
    left = subprocess.run(["docker", "ps", "--no-trunc", "--format", "{{.Command}}"], capture_output=True, check=True)
    assert b"601.5" not in left.stdout
    with pytest.raises(RuntimeError, match="docker ran no pod"):
        run_pod("potstill/no-such-stage:0", ["true"])


def test_the_audit_stops_a_pod_s_python(images):
    ended = run_pod(images["tokenize"], ["python3", "-c", "import subprocess; subprocess.run(['true'])"], audit=Audit())
    assert ended.code == 1
    assert "potstill-audit: refused start: true (subprocess.Popen)" in ended.log
