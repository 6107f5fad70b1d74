"""The harness that stands for KFP's backend is itself what it says; and what stages make of it, without any image."""

import json
from dataclasses import replace

import pytest
from kfp import compiler, components, dsl
from kfp.dsl import Dataset, Input, Model, Output

from pipelines.releasing import JUDGED
from potstill.artifacts import TOKENS, expect
from potstill.cli import main as potstill
from potstill.signing.keys import new_key
from tests.launcher.backend import Run
from tests.launcher.executor_input import Outputs, fill, provision, resolve
from tests.launcher.faults import FAULTS, faulty, missing_manifest, refusal, wrong_kind
from tests.launcher.graph import read_pipeline
from tests.launcher.pods import ProcessPods, bytes_of
from tests.launcher.tiny import COMPILED, TINY, compiled, put_sources
from tests.launcher.users import BUCKET, DATA, FOREIGN, RUNS, shared_store
from tests.released import make_lineage

ROOT = f"s3://{BUCKET}/{RUNS}"
SOURCES = f"s3://{BUCKET}/{DATA}"
GIVEN = {"data_uri": f"{SOURCES}/table", "start_uri": f"{SOURCES}/start"}
s3 = pytest.mark.s3
WRONG_SECRET = "0123456789" * 4
FROM_A_RUN = (
    "data", "start", "tokens", "teacher", "teacher_outputs", "student", "pruned", "model", "onnx", "package",
    "definition",
)  # fmt: skip
RUN_NAMES = {"model": "quantized"}  # what a run calls it


@pytest.fixture(scope="module")
def pipeline():
    return compiled("compress")


@pytest.fixture(scope="module")
def shared(tmp_path_factory, radosgw):  # without Ceph's programs, that one skips
    with shared_store(tmp_path_factory.mktemp("s3")) as shared:
        yield shared


@pytest.fixture(scope="module")
def sources(shared, tmp_path_factory, tokenizer_folder):
    return put_sources(shared.owner, SOURCES, tokenizer_folder, tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def begin(shared, sources, pipeline, tmp_path_factory):
    """Begin a run whose importers are done."""

    def begin(store=shared.pods, **arguments):
        scratch = tmp_path_factory.mktemp("pods")
        run = Run(pipeline, {**TINY, **sources, **arguments}, store, ROOT, ProcessPods(), scratch)
        run.step("importer")
        run.step("importer-2")
        return run

    return begin


@pytest.fixture(scope="module")
def tokenized(begin):
    """A run that has done tokenize."""
    run = begin()
    assert run.step("tokenize").code == 0
    return run


def test_tasks_come_after_what_they_depend_on(pipeline):
    names = [task.name for task in pipeline.tasks]
    assert names[-6:] == ["validate", "gate", "importer-3", "release", "sign", "publish"]
    assert [task.given for task in pipeline.tasks[-2:]] == [("release_name",), ("release_name", "release_place")]
    for task in pipeline.tasks:
        assert set(task.after) <= set(names[: names.index(task.name)])


def test_a_run_has_the_defaults_and_knows_its_parameters(pipeline):
    assert pipeline.given(GIVEN)["prune_rounds"] == 3
    with pytest.raises(KeyError, match="is not given start_uri"):
        pipeline.given({"data_uri": "s3://b/data"})
    with pytest.raises(KeyError, match="has no parameter rounds"):
        pipeline.given({**GIVEN, "rounds": 1})


def test_more_than_plain_tasks_is_refused(tmp_path):
    @dsl.component(base_image="none", install_kfp_package=False)
    def say(word: str) -> str:
        return word

    @dsl.pipeline
    def conditional(word: str = ""):
        with dsl.If(word == "x"):
            say(word=word)

    compiler.Compiler().compile(conditional, str(tmp_path / "it.yaml"))
    with pytest.raises(NotImplementedError):
        read_pipeline(tmp_path / "it.yaml")


def test_inputs_are_resolved_as_the_driver_does(pipeline):
    artifact = {"name": "x", "uri": "s3://b/x", "type": {"schemaTitle": "system.Model"}, "metadata": {"digest": "12"}}
    done = {task.name: Outputs({"tokens": artifact, "student": artifact, "teacher": artifact, "pruned": artifact,
            "quantized": artifact, "onnx": artifact, "package": artifact, "figures": artifact, "page": artifact},
            {"verdict": "pass", "failures": ""}) for task in pipeline.tasks}  # fmt: skip
    arguments = pipeline.given(GIVEN | {"prune_rounds": 2})
    prune = resolve(pipeline.task("prune"), arguments, done)
    assert set(prune["artifacts"]) == {"student", "tokens"}  # latency and resume are optional, and not given
    assert prune["artifacts"]["student"] == {"artifacts": [artifact]}
    values = prune["parameterValues"]
    assert (values["rounds"], values["batch_size"], values["temperature"]) == (2, 64, 2)
    assert isinstance(values["temperature"], int)  # a number of protobuf: 2.0 is written as 2
    assert values["learning_rate"] == 0.0001
    assert resolve(pipeline.task("gate"), arguments, done)["parameterValues"] == {"verdict": "pass", "failures": ""}


def test_outputs_are_provisioned_and_placeholders_filled(pipeline):
    inputs = {"artifacts": {"student": {"artifacts": [{"uri": "s3://b/in/学生"}]}}, "parameterValues": {"rounds": 2}}
    given = {"inputs": inputs, "outputs": provision(pipeline.task("prune"), "s3://b/run/prune/salt", "")}
    assert given["outputs"]["outputFile"] == "/tmp/kfp_outputs/output_metadata.json"
    assert set(given["outputs"]["artifacts"]) == {"pruned", "metrics", "executor-logs"}
    words = fill(
        ["{{$}}", "{{$.inputs.artifacts['student'].path}}", "{{$.outputs.artifacts['pruned'].path}}",
         "{{$.outputs.artifacts['pruned'].uri}}", "--rounds={{$.inputs.parameters['rounds']}}"], given, "",
    )  # fmt: skip
    assert json.loads(words[0]) == given
    assert words[1:] == ["/s3/b/in/学生", "/s3/b/run/prune/salt/pruned", "s3://b/run/prune/salt/pruned", "--rounds=2"]


@pytest.mark.parametrize(("quantity", "size"), [("512M", 512_000_000), ("8G", 8 * 10**9), ("1.5Gi", 3 << 29), ("7", 7)])
def test_quantities(quantity, size):
    assert bytes_of(quantity) == size


@s3
def test_prefixes_are_copied_as_the_launcher_does(shared, tmp_path):
    store, prefix = shared.owner, f"{ROOT}/copied"
    for key in ("a/x", "a/deep/er/学生", "ab", "b"):
        store.write(f"{prefix}/{key}", key.encode())
    assert store.download(f"{prefix}/nothing", tmp_path) == tmp_path / "s3" / BUCKET / RUNS / "copied" / "nothing"
    assert list(tmp_path.iterdir()) == []  # an empty prefix is nothing at all, and no error
    folder = store.download(f"{prefix}/a", tmp_path)
    assert sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()) == [
        "deep/er/学生", "x",
    ]  # fmt: skip
    assert store.download(f"{prefix}/b", tmp_path).read_text() == "b"  # one object is a file
    assert not (folder.parent / "ab").exists()
    (folder / "empty").mkdir()
    uploaded = store.upload(folder, f"{prefix}/again")
    assert uploaded == [f"{prefix}/again/deep/er/学生", f"{prefix}/again/x"]
    assert store.upload(tmp_path / "not there", f"{prefix}/none") == store.keys(f"{prefix}/none") == []


@s3
def test_what_a_component_says_of_its_outputs_is_taken(shared, tmp_path):
    @dsl.component(base_image="none", install_kfp_package=False)
    def write(word: str, made: Output[Dataset]) -> int:
        from pathlib import Path

        Path(made.path).write_text(word)
        made.metadata["length"] = len(word)
        return 3

    @dsl.component(base_image="none", install_kfp_package=False)
    def read(made: Input[Dataset], times: int, absent: Input[Dataset] = None) -> str:
        from pathlib import Path

        return Path(made.path).read_text() * times + str(made.metadata["length"]) + str(absent)

    @dsl.pipeline
    def two(word: str = "学生"):
        written = write(word=word)
        read(made=written.outputs["made"], times=written.outputs["Output"])

    compiler.Compiler().compile(two, str(tmp_path / "two.yaml"))
    run = Run(read_pipeline(tmp_path / "two.yaml"), {}, shared.pods, ROOT, ProcessPods(), tmp_path / "pods")
    assert [outcome.code for outcome in run] == [0, 0]
    assert run.done["read"].parameters == {"Output": "学生学生学生2None"}
    assert shared.owner.read(run.done["write"].artifacts["made"]["uri"]).decode() == "学生"
    assert list((tmp_path / "pods").iterdir()) == []  # a pod's files are gone with it


@s3
def test_somebody_else_s_pipeline_uses_one_of_our_components(shared, sources, tmp_path):
    tokenize = components.load_component_from_file(str(COMPILED.parent / "components" / "tokenize.yaml"))

    @dsl.component(base_image="none", install_kfp_package=False)
    def collect(texts: Output[Dataset]):
        from pathlib import Path

        Path(texts.path).mkdir()
        rows = "".join(f"{'体育' if i % 2 else '财经'}\t新闻{i}\n" for i in range(40))
        Path(texts.path, "texts.tsv").write_text(f"label\ttext\n{rows}", encoding="utf-8")

    @dsl.pipeline
    def theirs(start: str):
        model = dsl.importer(artifact_uri=start, artifact_class=Model)
        tokenize(data=collect().outputs["texts"], start=model.output, max_length=16)

    compiler.Compiler().compile(theirs, str(tmp_path / "theirs.yaml"))
    arguments = {"start": sources["start_uri"]}
    run = Run(read_pipeline(tmp_path / "theirs.yaml"), arguments, shared.pods, ROOT, ProcessPods(), tmp_path / "pods")
    assert [(outcome.code, outcome.log[-500:]) for outcome in run if outcome.code] == []
    tokens = shared.owner.download(run.done["tokenize"].artifacts["tokens"]["uri"], tmp_path)
    assert expect(tokens, TOKENS).meaning["labels"] == ["体育", "财经"]


@s3
def test_after_a_failure_nothing_starts_and_only_the_log_is_kept(begin):
    run = begin(text_column="title")
    outcomes = list(run)
    assert [outcome.task for outcome in outcomes][-1] == "tokenize"
    assert "text column 'title' is missing" in refusal(outcomes[-1])
    log = run.store.read(outcomes[-1].uploaded[0]).decode()
    assert log == outcomes[-1].log
    assert run.done.keys() == {"importer", "importer-2"}


@s3
def test_retries_are_those_of_the_pipeline_and_share_their_outputs(begin):
    run = begin(text_column="title")
    again = replace(run.pipeline.task("tokenize"), retries=2)
    run.pipeline = replace(run.pipeline, tasks=(*run.pipeline.tasks[:2], again))
    outcomes = [outcome for outcome in run if outcome.task == "tokenize"]
    assert [outcome.code for outcome in outcomes] == [2, 2]
    assert len({outcome.uploaded for outcome in outcomes}) == 1


# tokenize reads any folder with a tokenizer, and tokens/v1, too: those two faults are refused by the others, in images.
@s3
@pytest.mark.parametrize(
    "fault", [each for each in FAULTS if each not in (missing_manifest, wrong_kind)], ids=lambda each: each.__name__
)
def test_a_step_refuses_what_is_not_whole_by_name(fault, begin, shared):
    place, word = faulty(fault, shared.owner, f"{SOURCES}/start", f"{SOURCES}/table")
    line = refusal(begin().step("tokenize", start=place))
    assert f"/s3/{place.removeprefix('s3://')}" in line
    assert word in line


@s3
def test_a_retry_writes_over_what_a_killed_attempt_left(begin, shared, tmp_path):
    run = begin()
    attempts = run.attempts("tokenize", retries=1)
    first = next(attempts)
    tokens = first.outputs.artifacts["tokens"]
    _, lost, half, *_ = shared.owner.keys(tokens["uri"])
    shared.owner.client.delete_object(Bucket=BUCKET, Key=lost)
    shared.owner.write(f"s3://{BUCKET}/{half}", b"half")
    second = next(attempts)
    assert second.uploaded == first.uploaded
    assert expect(shared.owner.download(tokens["uri"], tmp_path), TOKENS).digest == tokens["metadata"]["digest"]


@s3
def test_a_release_is_made_signed_and_published_object_by_object(shared, tmp_path, monkeypatch):
    new_key(tmp_path / "release.key")
    monkeypatch.setenv("POTSTILL_SIGNING_KEY", str(tmp_path / "release.key"))
    made = make_lineage(tmp_path / "made")
    uris = {name: f"{SOURCES}/made/{name}" for name in made}
    for name, path in made.items():
        shared.owner.upload(path, uris[name])
    asked = {"release_name": "headlines", "release_place": f"{ROOT}/releases"}
    asked["release_public_key"] = (tmp_path / "release.pub").read_text()
    pipeline = compiled("release")
    begun = {name: uris[RUN_NAMES.get(name, name)] for name in FROM_A_RUN}
    arguments = {**{f"{name}_uri": uri for name, uri in begun.items()}, **asked}
    run = Run(pipeline, arguments, shared.pods, ROOT, ProcessPods(), tmp_path / "pods")
    for task in pipeline.tasks:
        if task.name.startswith("importer"):
            run.step(task.name)
    judged = {name: {"name": name, "uri": uris[name], "type": {}, "metadata": {}} for name in JUDGED}
    types = {
        name: each["artifactType"] for name, each in pipeline.task("validate").defined("output", "artifacts").items()
    }
    run.done["validate"] = Outputs({name: {**each, "type": types[name]} for name, each in judged.items()}, {})
    for name in ("release", "sign", "publish"):
        outcome = run.step(name)
        assert outcome.code == 0, outcome.log[-1000:]
    bundle = shared.owner.download(run.done["sign"].artifacts["bundle"]["uri"], tmp_path)
    assert potstill(["verify", str(bundle), "--key", str(tmp_path / "release.pub")]) == 0
    pointer = run.done["publish"].parameters["Output"]
    assert pointer == f"{ROOT}/releases/releases/headlines/0.1.0.json"
    assert json.loads(shared.owner.read(pointer))["name"] == "headlines"
    secret = (tmp_path / "release.key").read_bytes().splitlines()[1]
    assert not any(secret in shared.owner.read(f"s3://{BUCKET}/{key}") for key in shared.owner.keys(f"{ROOT}/"))


@s3
def test_another_bucket_is_not_read_and_nothing_is_written_outside_the_prefix(begin, shared, tokenizer_folder):
    shared.owner.write(f"s3://{FOREIGN}/table/t.csv", "text,label\n学,生\n".encode())
    outcome = begin(data_uri=f"s3://{FOREIGN}/table").step("tokenize")
    assert outcome.code == 1
    assert "AccessDenied" in outcome.log
    with pytest.raises(Exception, match="AccessDenied"):
        shared.pods.write(f"{SOURCES}/table/more.csv", b"")
    with pytest.raises(Exception, match="AccessDenied"):
        shared.pods.keys(f"s3://{BUCKET}/")


@s3
@pytest.mark.parametrize(
    ("place", "secret", "word"),
    [(f"s3://{FOREIGN}/states", "", "AccessDenied"), (f"{ROOT}/states", WRONG_SECRET, "SignatureDoesNotMatch")],
    ids=["another bucket", "a wrong secret"],
)
def test_a_step_that_may_not_write_its_checkpoints_says_so_in_one_line(place, secret, word, begin, tokenized, shared):
    run = begin(checkpoint_uri=place)
    run.done |= tokenized.done
    if secret:  # of the pod; the launcher's own stays right
        run.store = replace(shared.pods, server=replace(shared.pods.server, secret_key=secret))
    line = refusal(run.step("teacher-train"))
    assert place in line
    assert word in line
    assert shared.owner.keys(place) == []
    for key in shared.owner.keys(f"s3://{BUCKET}/"):
        data = shared.owner.read(f"s3://{BUCKET}/{key}")
        assert not any(each in data for each in [*shared.secrets, WRONG_SECRET.encode()]), key
