"""Every image by itself: its help, and its command on real folders, as `docker run` and other engines use it.

The pods are hardened and watched, as those of the launcher's tests are; so these, too, write nothing but their output.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import LABELS, example_texts, make_checkpoint

from images.families import STAGES
from potstill.artifacts import (
    BUNDLE,
    CHECKPOINT,
    COREML,
    LATENCY,
    ONNX,
    RELEASE,
    REPORT,
    TEACHER_OUTPUTS,
    TOKENS,
    expect,
)
from potstill.data.importing import ImportDataConfig, import_data
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint
from potstill.signing.keys import new_key
from tests.docker_engine import require_image
from tests.launcher.pod import Audit, run_pod
from tests.validating import only

pytestmark = pytest.mark.docker


@dataclass(frozen=True)
class Command:
    """A stage's command line; it writes /out/<the name of its row>, and finds its inputs there and in /in."""

    stage: str
    option: str
    kind: str
    rest: str
    more: tuple[str, ...] = ()


MADE = "--report /out/report --model /out/quantized --onnx /out/onnx --package /out/package"
WRITTEN = (
    "--judgement /out/report.verdict.json --figures /out/report.json --page /out/report.html --card /out/report.card.md"
)
BEFORE = "--ancestors /in/data /in/start /out/tokens /out/teacher /out/student /out/pruned"
JUDGED = "--tokens /out/tokens --model /out/quantized --onnx /out/onnx --package /out/package --robustness-rows 0"
COMMANDS = {
    "tokens": Command(
        "tokenize", "tokens", TOKENS, "--data /in/data --start /in/start --max-length 16 --test-share 0.2"
    ),
    "teacher": Command(
        "teacher-train", "teacher", CHECKPOINT, "--tokens /out/tokens --start /in/start --epochs 2 --threads 1"
    ),
    "answers": Command("teacher-cache", "outputs", TEACHER_OUTPUTS, "--teacher /out/teacher --tokens /out/tokens"),
    "student": Command(
        "distill", "student", CHECKPOINT, "--teacher /out/teacher --tokens /out/tokens --epochs 1 --threads 1"
    ),
    "other": Command("teacher-cache", "outputs", TEACHER_OUTPUTS, "--teacher /out/student --tokens /out/tokens"),
    "ensemble": Command(
        "teacher-ensemble", "outputs", TEACHER_OUTPUTS, "--members /out/answers /out/other --tokens /out/tokens"
    ),
    "pruned": Command(
        "prune", "pruned", CHECKPOINT, "--student /out/student --tokens /out/tokens --rounds 1 --max-accuracy-drop 100"
    ),
    "chosen": Command("choose-round", "chosen", CHECKPOINT, "--pruned /out/pruned --round 0"),
    "quantized": Command("qat", "quantized", CHECKPOINT, "--student /out/pruned --tokens /out/tokens --epochs 1"),
    "onnx": Command("onnx-export", "onnx", ONNX, "--model /out/quantized --tokens /out/tokens --formats fp32,int8"),
    "latency": Command("latency-table", "latency", LATENCY, "--model /out/student --length 8 --repeats 10"),
    "package": Command(
        "coreml-export", "package", COREML, "--model /out/quantized --tokens /out/tokens --formats fp16"
    ),
    "report": Command("validate", "report", REPORT, JUDGED, ("--budgets", only(max_size_mb=20.0))),
    "released": Command(
        "release", "released", RELEASE, f"{MADE} {WRITTEN} {BEFORE} --release-name headlines --version 1.0.0"
    ),
    "bundle": Command("sign", "bundle", BUNDLE, f"--release /out/released --key /in/release.key {BEFORE}"),
}
BY_THEMSELVES = {"publish", "train-job"}  # they write no folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, tokenizer_folder: Path) -> Callable[[str], Path]:
    """Make an output by a stage's command, and all that it needs before; return its folder."""
    readable, writable = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    texts, labels = example_texts(400)
    with (readable / "headlines.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((t, LABELS[i]) for t, i in zip(texts, labels, strict=True))])
    import_data(str(readable / "headlines.csv"), readable / "data", ImportDataConfig())
    start = make_checkpoint(tmp_path_factory.mktemp("hub") / "start", tokenizer_folder).path
    (start / "artifact.json").unlink()  # as a hub has it
    import_checkpoint(str(start), readable / "start", ImportCheckpointConfig())
    new_key(readable / "release.key")
    (readable / "release.key").chmod(0o644)  # as Kubernetes mounts a secret: it is another user's
    for folder in (readable, *(each for each in readable.rglob("*") if each.is_dir())):
        folder.chmod(0o755)  # pytest's own folders are for their owner alone
    ended: dict[str, Path] = {}

    def run(output: str) -> Path:
        made = COMMANDS[output]
        if output not in ended:
            for other in COMMANDS:
                if f"/out/{other}" in made.rest.split():
                    run(other)
            command = [f"potstill-{made.stage}", *made.rest.split(), *made.more, f"--{made.option}", f"/out/{output}"]
            given = {"readable": {"/in": readable}, "writable": {"/out": writable}}
            pod = run_pod(require_image(made.stage), command, **given, audit=Audit())
            assert pod.code == 0, pod.log
            assert "potstill-audit: watches" in pod.log
            assert "potstill-audit: refused" not in pod.log
            ended[output] = writable / output
        expect(ended[output], made.kind)
        return ended[output]

    return run


def test_every_stage_is_run() -> None:
    assert {each.stage for each in COMMANDS.values()} | BY_THEMSELVES == set(STAGES)


@pytest.mark.parametrize("output", COMMANDS)
def test_an_image_runs_by_itself_on_real_folders(output: str, ran: Callable[[str], Path]) -> None:
    assert ran(output).is_dir()


def test_a_bundle_is_published(ran: Callable[[str], Path]) -> None:
    bundle = ran("bundle")
    command = ["potstill-publish", "/out/bundle", "file:///out/store", "--key", "/in/release.pub"]
    given = {"readable": {"/in": bundle.parent.parent / "in0"}, "writable": {"/out": bundle.parent}}
    pod = run_pod(require_image("publish"), command, **given, audit=Audit())
    assert pod.code == 0, pod.log
    assert "potstill-audit: refused" not in pod.log
    assert (bundle.parent / "store" / "releases" / "headlines" / "1.0.0.json").is_file()


@pytest.mark.parametrize("stage", STAGES)
def test_an_image_teaches_its_stage(stage: str) -> None:
    image = require_image(stage)
    by_itself = run_pod(image, [])
    assert by_itself.code == 0, by_itself.log
    # a launcher's image has no command of its own, and teaches all
    assert f"usage: potstill {'COMMAND' if stage == 'train-job' else stage}" in by_itself.log


def test_the_launcher_s_image_loads_what_a_launcher_does() -> None:
    imports = (
        "import kubernetes, kubeflow.trainer; from potstill.train_job import run_as_job; print(run_as_job.__name__)"
    )
    pod = run_pod(require_image("train-job"), ["python3", "-c", imports], audit=Audit())
    assert pod.code == 0, pod.log
    assert pod.log.splitlines()[-1] == "run_as_job"
    assert "potstill-audit: refused" not in pod.log


def test_a_wrong_option_is_one_line() -> None:
    pod = run_pod(require_image("choose-round"), ["potstill-choose-round", "--pruned", "/in", "--chosen", "/tmp/x"])
    assert pod.code == 2
    assert pod.log.startswith("potstill: error: ")
    assert pod.log.count("\n") == 1
