"""The whole pipeline on KFP's own local runner: tiny data, a 2-layer BERT, every stage in a process of its own."""

import csv
import json

import pytest
import yaml
from conftest import LABELS, example_texts, make_checkpoint

from pipelines.assisted import assisted
from pipelines.command import main, run_here
from pipelines.compress import compress
from pipelines.parameters import check, parse_settings
from pipelines.release import release_pipeline
from pipelines.summary import bundle_of, figures_of, finish, newest
from potstill.artifacts import COREML, DEFINITION, ONNX, REPORT, expect, read_manifest
from potstill.cli import main as potstill
from tests.signed import make_bundle
from tests.tiny_run import TINY
from tests.validating import only


@pytest.fixture(scope="module")
def sources(tmp_path_factory, tokenizer_folder):
    folder = tmp_path_factory.mktemp("sources")
    texts, labels = example_texts(400)
    with (folder / "headlines.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((t, LABELS[i]) for t, i in zip(texts, labels, strict=True))])
    start = make_checkpoint(folder / "start", tokenizer_folder)
    (start.path / "artifact.json").unlink()  # as a hub has it, so that the run imports it
    return {"data": str(folder / "headlines.csv"), "start": str(start.path)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, sources):
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    code = run_here(compress, {**TINY, **sources}, folder)
    return code, folder


def test_the_run_passes_and_leaves_what_it_promises(finished):
    code, folder = finished
    assert code == 0, (folder / "run.log").read_text()[-3000:]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["verdict"] == "pass"
    assert {"teacher", "student", "pruned", "qat", "onnx_int8", "coreml_int8", "tfidf", "control"} <= set(
        summary["models"]
    )
    assert set(summary["seconds"]) == {
        "tokenize", "teacher-train", "teacher-cache", "distill", "prune", "qat",
        "onnx-export", "coreml-export", "validate",
    }  # fmt: skip
    assert all(seconds > 0 for seconds in summary["seconds"].values())
    assert set(summary["digests"]) == {
        "tokens", "teacher", "teacher_outputs", "student", "pruned", "quantized", "onnx", "package", "report",
    }  # fmt: skip
    assert not (folder / "kfp" / "checkpoints").exists()  # the trainings have ended
    expect(folder / "onnx", ONNX)
    expect(folder / "package", COREML)
    assert "</html>" in (folder / "page.html").read_text()


def test_lineage_goes_back_to_the_data(finished):
    _, folder = finished
    digests = json.loads((folder / "summary.json").read_text())["digests"]
    report = expect(folder / "report", REPORT)
    assert report.inputs["teacher"] == digests["teacher"]
    assert report.inputs["onnx"] == digests["onnx"]
    assert expect(folder / "onnx", ONNX).inputs["model"] == digests["quantized"]


def test_a_second_run_comes_from_the_cache(finished, sources, capsys):
    _, folder = finished
    before = (folder / "summary.json").read_bytes()
    assert run_here(compress, {**TINY, **sources}, folder) == 0
    assert (folder / "summary.json").read_bytes() == before
    log = (folder / "run.log").read_text()
    assert "Executing task" in log
    assert "teacher-train" not in log
    assert "from the cache of earlier runs: tokenize, teacher-train, teacher-cache, distill" in capsys.readouterr().err


@pytest.mark.slow
def test_a_fresh_run_elsewhere_gives_the_same_digests(finished, sources, tmp_path):
    _, folder = finished
    assert run_here(compress, {**TINY, **sources}, tmp_path / "again", fresh=True) == 0
    first, second = (json.loads((each / "summary.json").read_text()) for each in (folder, tmp_path / "again"))
    assert first["digests"] == second["digests"]


@pytest.fixture
def signing(tmp_path, monkeypatch):
    """A key to sign with; → its public half."""
    assert potstill(["keys", "new", str(tmp_path / "release.key")]) == 0
    monkeypatch.setenv("POTSTILL_SIGNING_KEY", str(tmp_path / "release.key"))
    return tmp_path / "release.pub"


def test_with_a_name_the_run_ends_with_a_signed_bundle(finished, sources, signing, capsys):
    _, folder = finished
    assert run_here(compress, {**TINY, **sources, "release_name": "headlines"}, folder) == 0
    assert f"bundle    {folder / 'bundle'}" in capsys.readouterr().out
    assert potstill(["verify", str(folder / "bundle"), "--key", str(signing)]) == 0
    assert not (folder / "bundle").is_symlink()  # it can be handed over as it is
    assert not any((folder / name).readlink().is_absolute() for name in ("onnx", "card.md"))
    assert "headlines 0.1.0" in capsys.readouterr().out
    definition = expect(folder / "definition", DEFINITION)
    parameters = json.loads((definition.path / "parameters.json").read_text())
    assert parameters["teacher_epochs"] == 4
    assert not [name for name in parameters if name.endswith("_uri")]
    assert run_here(compress, {**TINY, **sources, "release_name": "headlines"}, folder) == 0  # from the cache
    assert potstill(["verify", str(folder / "bundle"), "--key", str(signing)]) == 0
    assert run_here(compress, {**TINY, **sources}, folder) == 0
    assert not (folder / "bundle").exists()  # that run was asked for none


def test_a_finished_run_is_judged_again_released_and_published(finished, signing, tmp_path, capsys):
    _, folder = finished
    store = (tmp_path / "store").as_uri()
    (tmp_path / "store").mkdir()
    asked = {
        "release_name": "headlines", "release_version": "2.0.0", "release_override": "too large, and shipped",
        "release_place": store, "release_public_key": str(signing), "robustness_rows": 8,
        "release_policy": 'override = true\nverdicts = ["fail"]',
        "threads": 1, "budgets": only(max_size_mb=0.001),
    }  # fmt: skip
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(asked))
    given = ["--run", str(folder), "--params", str(tmp_path / "params.yaml"), "--out", str(tmp_path / "out")]
    assert main(release_pipeline, given) == 0
    assert "released  against its verdict: too large, and shipped" in capsys.readouterr().out
    assert potstill(["releases", "show", store, "headlines", "2.0.0"]) == 0
    assert "too large, and shipped" in capsys.readouterr().out
    assert potstill(["verify", str(tmp_path / "out" / "bundle"), "--key", str(signing)]) == 1  # a verdict that fails


def test_what_is_not_released_leaves_its_verdict_and_says_how_it_would_be(finished, signing, tmp_path, capsys):
    _, folder = finished
    asked = {"release_name": "headlines", "robustness_rows": 8, "threads": 1, "budgets": only(max_size_mb=0.001)}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(asked))
    given = ["--run", str(folder), "--params", str(tmp_path / "params.yaml"), "--out", str(tmp_path / "out")]
    assert main(release_pipeline, given) == 1
    told = capsys.readouterr()
    assert "release_override" in told.err
    assert "verdict   fail" in told.out
    assert "against its verdict" not in told.out
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["verdict"] == "fail"
    assert "</html>" in (tmp_path / "out" / "page.html").read_text()
    assert not (tmp_path / "out" / "bundle").exists()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("release_override=known to be weak: see #7", "known to be weak: see #7"),
        ("release_version=1.10", "1.10"),
        ("release_name=010", "010"),
        ("text_column='2'", "2"),
        ("release_policy=a = 1\nb = 2", "a = 1\nb = 2"),
        ("threads=4", 4),
        ("text_column=", ""),
    ],
)
def test_a_text_is_taken_as_it_is_written(given, read):
    name = given.partition("=")[0]
    types = {each: str(spec.type) for each, spec in release_pipeline.component_spec.inputs.items()}
    assert check(parse_settings([given]), types | {"text_column": "String"}) == {name: read}


def test_what_was_signed_and_not_published_is_handed_over(tmp_path):
    earlier, _ = make_bundle(tmp_path / "made")
    first, second = (tmp_path / "kfp" / name / "sign" for name in ("run-1", "run-2"))
    first.mkdir(parents=True)
    earlier.rename(first / "bundle")
    second.mkdir(parents=True)
    assert bundle_of(newest(tmp_path / "kfp", "sign")) is None  # sign failed in the newest run
    assert figures_of(newest(tmp_path / "kfp", "validate")) == {}
    assert finish(tmp_path, {}, {}, {}) == 1
    assert not (tmp_path / "bundle").exists()
    assert finish(tmp_path, {}, {}, {"bundle": first / "bundle"}) == 1  # publish failed after it
    assert read_manifest(tmp_path / "bundle").digest == read_manifest(first / "bundle").digest


def test_a_release_pipeline_without_a_run_names_what_it_lacks(capsys):
    assert main(release_pipeline, ["--data", "x", "--start", "y"]) == 2
    assert "nothing is given for tokens_uri, teacher_uri" in capsys.readouterr().err


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path, capsys):
    assert main(release_pipeline, ["--run", str(tmp_path), "--set", "release_name=x"]) == 2
    assert "no sealed folder; --run takes one that pipelines.compress finished" in capsys.readouterr().err


def test_a_missed_budget_fails_the_run_and_keeps_the_report(finished, sources, capsys):
    _, folder = finished
    assert run_here(compress, {**TINY, **sources, "budgets": only(max_size_mb=0.001)}, folder) == 1
    told = capsys.readouterr().out
    assert "verdict   fail" in told
    assert "size" in told
    assert json.loads((folder / "summary.json").read_text())["verdict"] == "fail"
    assert "</html>" in (folder / "page.html").read_text()


def test_a_step_that_fails_is_named_and_leaves_no_bundle_of_an_earlier_run(sources, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    make_bundle(tmp_path / "made")[0].rename(tmp_path / "out" / "bundle")
    assert run_here(compress, {**TINY, **sources, "text_column": "title"}, tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert "title" in told
    assert "run.log" in told
    assert not (tmp_path / "out" / "bundle").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--set", "max_lenght=3"], "unknown parameter max_lenght"),
        (["--set", "max_length=long"], "max_length must be whole number, got 'long'"),
        (["--set", "control=1"], "control must be true or false, got 1"),
        (["--set", "max_length"], "--set takes name=value"),
        (["--set", "max_length", "--set", "seed=1"], "--set takes name=value"),
        (["--data", "{csv}", "--start", "{start}", "--set", "release_place=s3://a/b"], "without release_name"),
        (["--set=max_length=long", "--set", "seed=1"], "max_length must be whole number, got 'long'"),
        (["--set", "max_length=[1"], "'[1' is no value"),
        (
            ["--data", "{csv}", "--start", "{start}", "--set", "threads=0"],
            "threads should be greater than or equal to 1",
        ),
        (["--data", "{csv}", "--start", "{start}", "--set", "qat_rows=-1"], "qat_rows should be greater than"),
        (["--data", "{csv}", "--start", "{start}", "--set", "recipe=x"], "recipe must be one of soft, tinybert"),
        (
            ["--data", "{csv}", "--start", "{start}", "--set", "budgets='max_sise_mb: 3'"],
            "there is no budget 'max_sise_mb'; nearest: max_size_mb",
        ),
        (["--params", "absent.yaml"], "cannot be read as a params file"),
        (["--local", "--docker"], "exclude each other"),
        ([], "nothing is given for data, start"),
        (["--data", "/nowhere", "--start", "m3e-small"], "/nowhere"),
        (["--data", "{csv}", "--start", "{start}", "--docker"], "no Docker daemon answers"),
        (["--data", "{csv}", "--start", "{start}", "--run", "."], "--run means nothing to this pipeline"),
        (["--data", "{csv}", "--start", "{start}", "--set", "release_name=x"], "POTSTILL_SIGNING_KEY names no key"),
        (["--data", "{csv}", "--start", "{start}", "--docker", "--set", "release_name=x"], "the signing key to every"),
        (["--data", "{csv}", "--start", "{start}", "--set", "release_name=Über"], "release_name"),
        (
            ["--data", "{csv}", "--start", "{start}", "--set", "release_name=x", "--set", "release_version=1"],
            "release_version",
        ),
    ],
)
def test_nonsense_is_refused_in_one_line(arguments, word, sources, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")  # where no daemon listens
    monkeypatch.delenv("POTSTILL_SIGNING_KEY", raising=False)
    given = [each.format(csv=sources["data"], start=sources["start"]) for each in arguments]
    assert main(compress, given) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("▸")]
    assert len(told) == 1
    assert word in told[0]


def test_the_shipped_params_files_fit_the_pipeline(pytestconfig):
    from pipelines.parameters import SOURCES

    for path in (pytestconfig.rootpath / "pipelines" / "params").glob("*.yaml"):
        pipeline = assisted if path.stem == "assisted" else compress
        types = {name: str(spec.type) for name, spec in pipeline.component_spec.inputs.items()}
        values = yaml.safe_load(path.read_text())
        check({name: value for name, value in values.items() if name not in SOURCES}, types)


def test_export_only_takes_a_classifier_that_exists(finished, sources, tmp_path):
    from pipelines.export_only import export_only

    _, folder = finished
    classifier = {"data": sources["data"], "start": str((folder / "pruned").resolve())}
    judging = {"budgets": json.loads(only(max_size_mb=20)), "robustness_rows": 8}
    assert run_here(export_only, {**classifier, **judging, "max_length": 16, "threads": 1}, tmp_path / "export") == 0
    summary = json.loads((tmp_path / "export" / "summary.json").read_text())
    assert {"model", "onnx_int8", "coreml_int8"} <= set(summary["models"])
    assert expect(tmp_path / "export" / "onnx", ONNX).meaning["labels"] == LABELS


def test_help_teaches_every_parameter(capsys):
    with pytest.raises(SystemExit) as ended:
        main(compress, ["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(name in told for name in compress.component_spec.inputs if not name.endswith("_uri"))
