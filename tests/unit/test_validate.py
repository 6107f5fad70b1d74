"""The stage validate: figures, sealed report, budgets, pages, refusals, gate."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from potstill.artifacts import CHECKPOINT, REPORT, TOKENS, expect, seal
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier, parameter_count
from potstill.encoder.quantized_linears import load_quantized
from potstill.errors import ArtifactError, InputError, OptionError, VerdictError
from potstill.licences import Licence
from potstill.measure.table import HEAD, markdown_table, text_table
from potstill.measure.torch_session import predict_torch
from potstill.output_folder import creating
from potstill.validate import ValidateConfig, validate_models
from potstill.validate.figures import read_figures
from potstill.validate.gate import require_pass
from tests.conftest import LABELS, MAKER, make_checkpoint
from tests.validating import only

QUICK = {
    "latency_rows": 5,
    "latency_warmup": 1,
    "latency_lengths": "8",
    "threads": 1,
    "robustness_rows": 6,
    "footprint": False,
}
PLAIN = [
    "latency",
    "footprint",
    "devices",
    "budgets",
    "verdict",
    "failures",
    "report",
    "made_by",
]  # beside the sealed figures


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, tokenizer_folder):
    return make_checkpoint(tmp_path_factory.mktemp("made") / "teacher", tokenizer_folder, layers=3, seed=5).path


@pytest.fixture(scope="module")
def student(tmp_path_factory, tiny_checkpoint, tiny_tokens):
    """The tiny checkpoint, with a manifest that tells of a control and of a licence for research only."""
    import shutil

    folder = tmp_path_factory.mktemp("made") / "student"
    with creating(folder, CHECKPOINT):
        for file in tiny_checkpoint.iterdir():
            if file.name != "artifact.json":
                shutil.copyfile(file, folder / file.name)
        control = {
            "test_accuracy": 0.75,
            "test_macro_f1": 0.7,
            "validation_accuracy": 0.7,
            "gain": 0.05,
            "gain_low": -0.01,
            "gain_high": 0.11,
            "labelled_rows": 64,
            "steps": 9,
        }
        meaning = {"labels": LABELS, "max_length": 32, "control": control}
        licence = Licence("LicenseRef-only-research", "research-only")
        return seal(folder, CHECKPOINT, MAKER, {"tokens": expect(tiny_tokens, TOKENS)}, meaning, licence).path


@pytest.fixture(scope="module")
def judged(tmp_path_factory, tiny_tokens, quantized_checkpoint, teacher, student):
    """A whole run; gives the folder that holds report, report.json, report.html and report.md."""
    folder = tmp_path_factory.mktemp("made")
    run(tiny_tokens, quantized_checkpoint, folder / "report", teacher=teacher, student=student, pruned=student)
    return folder


def run(tokens, model, report, *, options=None, **others):
    return validate_models(tokens, model, report, ValidateConfig(**QUICK, **(options or {})), **others)


def test_figures_are_those_of_the_models(judged, tiny_tokens, quantized_checkpoint, teacher):
    figures, table = read_figures(judged / "report.json"), read_split(tiny_tokens, TEST)
    models = {
        "teacher": load_classifier(teacher),
        "float": load_classifier(quantized_checkpoint),
        "qat": load_quantized(quantized_checkpoint),
    }
    predicted = {name: predict_torch(model, table).argmax(1) for name, model in models.items()}
    for name, model in models.items():
        found = figures["models"][name]
        assert found["accuracy"] == (predicted[name] == table.labels).mean()
        assert found["agreement_teacher"] == (predicted[name] == predicted["teacher"]).mean()
        assert found["parameters"] == parameter_count(model)
    assert figures["models"]["qat"]["agreement_pytorch"] == (predicted["qat"] == predicted["float"]).mean()
    assert figures["models"]["teacher"]["bytes"] == (teacher / "model.safetensors").stat().st_size
    assert figures["models"]["control"]["accuracy"] == 0.75
    assert "Distillation gained +5.00 points" in (judged / "report.md").read_text()
    assert "95 % paired bootstrap -1.00 to +11.00" in (judged / "report.html").read_text()
    assert list(figures["models"]) == ["majority", "tfidf", "control", "teacher", "student", "pruned", "float", "qat"]
    assert figures["final"] == "qat"
    assert set(figures["latency"]["models"]) == {"teacher", "student", "pruned", "float"}


def test_sealed_report_holds_predictions_and_no_time(judged):
    sealed = expect(judged / "report", REPORT)
    assert [file.path for file in sealed.files] == ["predictions.parquet", "summary.json"]
    assert sealed.licence.use == "research-only"
    figures, summary = read_figures(judged / "report.json"), read_figures(judged / "report" / "summary.json")
    assert figures.keys() - summary.keys() == set(PLAIN)
    assert {key: figures[key] for key in summary} == summary
    assert figures["report"] == sealed.digest
    rows = pq.read_table(judged / "report" / "predictions.parquet").to_pydict()
    right = np.mean(np.array(rows["qat"]) == np.array(rows["label"]))
    assert right == summary["models"]["qat"]["accuracy"]
    assert all(0.5 <= share <= 1 for share in rows["qat_probability"])


def test_same_inputs_give_the_same_report(tmp_path, tiny_tokens, quantized_checkpoint):
    digests = []
    for name in ("one", "two"):
        run(tiny_tokens, quantized_checkpoint, tmp_path / name)
        digests.append(expect(tmp_path / name, REPORT).digest)
    assert digests[0] == digests[1]


def test_fewer_rows_and_a_plain_model(tmp_path, tiny_tokens, tiny_checkpoint):
    measures = run(tiny_tokens, tiny_checkpoint, tmp_path / "report", options={"test_rows": 10, "budgets": only()})
    figures = read_figures(tmp_path / "report.json")
    assert figures["rows"] == 10
    assert list(figures["models"]) == ["majority", "tfidf", "model"]
    assert measures["failed_budgets"] == 0
    assert measures["model_accuracy"] == figures["models"]["model"]["accuracy"]
    assert figures["verdict"] == "pass"


def test_every_onnx_file_is_judged(tmp_path, tiny_tokens, quantized_checkpoint):
    onnx_export = pytest.importorskip("potstill.onnx_export")
    exported = tmp_path / "onnx"
    onnx_export.export_onnx(
        quantized_checkpoint, tiny_tokens, exported, onnx_export.OnnxExportConfig(minimum_agreement=0.5)
    )
    run(tiny_tokens, quantized_checkpoint, tmp_path / "report", onnx=exported)
    figures = read_figures(tmp_path / "report.json")
    models = figures["models"]
    assert {"onnx_fp32", "onnx_optimized", "onnx_int8", "onnx_int8_qdq"} <= models.keys()
    assert figures["final"] == "onnx_int8"
    assert models["onnx_fp32"]["agreement_pytorch"] == 1.0
    assert models["onnx_int8_qdq"]["source"] == "qat"
    assert models["onnx_int8"]["bytes"] == (exported / "model.int8.onnx").stat().st_size
    assert figures["latency"]["models"]["onnx_int8"]["p50_ms"] > 0


def test_every_core_ml_package_is_judged(tmp_path, tiny_tokens, quantized_checkpoint):
    pytest.importorskip("coremltools")
    from potstill.coreml_export import CoremlExportConfig, export_coreml

    package = tmp_path / "coreml"
    export_coreml(quantized_checkpoint, tiny_tokens, package, CoremlExportConfig(minimum_agreement=0.5))
    run(tiny_tokens, quantized_checkpoint, tmp_path / "report", package=package)
    figures = read_figures(tmp_path / "report.json")
    assert figures["final"] == "coreml_int8"
    assert figures["models"]["coreml_fp16"]["agreement_pytorch"] >= 0.98
    folder = package / "model.int8.mlpackage"
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert figures["models"]["coreml_int8"]["bytes"] == size
    assert "coreml_int8" not in figures["latency"]["models"]


TOO_SMALL = {"budgets": only(max_size_mb=1e-6)}


def test_compressed_packages_that_cut_texts_are_judged_and_said_to(tmp_path, tiny_tokens, tiny_checkpoint):
    pytest.importorskip("coremltools")
    from potstill.coreml_export import CoremlExportConfig, export_coreml

    wished = {"formats": "palette4,w8a8", "target": "iOS18", "length": "8,12", "layout": "channels_first"}
    export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "coreml", CoremlExportConfig(minimum_agreement=0, **wished))
    run(tiny_tokens, tiny_checkpoint, tmp_path / "report", package=tmp_path / "coreml", options=TOO_SMALL)
    figures = read_figures(tmp_path / "report.json")
    assert figures["final"] == "coreml_palette4"
    assert figures["models"]["coreml_w8a8"]["title"] == "Core ML int8 with int8 activations"
    assert [failure.split()[1] for failure in figures["failures"]] == ["coreml_palette4", "coreml_w8a8"]
    assert "The Core ML packages read the first 12 tokens of a text, and no more." in text_table(figures)


def test_failed_budgets_reach_verdict_and_gate(tmp_path, tiny_tokens, tiny_checkpoint):
    measures = run(tiny_tokens, tiny_checkpoint, tmp_path / "report", options={"budgets": only(max_size_mb=0.001)})
    figures = read_figures(tmp_path / "report.json")
    assert figures["verdict"] == "fail"
    assert measures["failed_budgets"] == len(figures["failures"]) > 0
    with pytest.raises(VerdictError, match=r"max_size_mb: model has .* MB, wanted at most 0.001 MB"):
        require_pass(figures["verdict"], "\n".join(figures["failures"]))


def test_tables_tell_the_story(judged):
    figures = read_figures(judged / "report.json")
    text, markdown = text_table(figures), markdown_table(figures)
    assert text.startswith("RESEARCH ONLY")
    assert markdown.startswith("**RESEARCH ONLY")
    lines = text.splitlines()
    assert [line.split("  ")[0] for line in lines[3:10]] == [
        "Majority class",
        *("TF-IDF + logistic regression", "Student, no distillation", "Teacher", "Student", "Pruned", "Quantized"),
    ]
    assert len({len(line) for line in lines[1:3]}) == 1
    assert all(line.count("|") == len(HEAD) + 1 for line in markdown.splitlines() if line.startswith("|"))
    assert (judged / "report.md").read_text(encoding="utf-8").startswith("**RESEARCH ONLY")


def test_control_of_other_tokens_is_left_out(tmp_path, tiny_tokens, tiny_checkpoint, student):
    figures = json.loads((student / "artifact.json").read_text())
    assert figures["inputs"]["tokens"] == expect(tiny_tokens, TOKENS).digest
    other = tmp_path / "other"
    with creating(other, TOKENS):
        for file in tiny_tokens.iterdir():
            if file.name != "artifact.json":
                (other / file.name).write_bytes(file.read_bytes())
        meaning = dict(expect(tiny_tokens, TOKENS).meaning) | {"note": "other"}
        seal(other, TOKENS, MAKER, {}, meaning)
    run(other, tiny_checkpoint, tmp_path / "report", student=student)
    assert "control" not in read_figures(tmp_path / "report.json")["models"]


def test_refuses_models_that_do_not_belong_to_the_tokens(tmp_path, tiny_tokens, tiny_checkpoint):
    strange = tmp_path / "strange"
    with creating(strange, CHECKPOINT):
        for file in tiny_checkpoint.iterdir():
            if file.name != "artifact.json":
                (strange / file.name).write_bytes(file.read_bytes())
        seal(strange, CHECKPOINT, MAKER, {}, {"labels": LABELS[::-1], "max_length": 32})
    with pytest.raises(InputError, match="student has the labels 财经, 体育, the tokens have 体育, 财经"):
        run(tiny_tokens, tiny_checkpoint, tmp_path / "report", student=strange)
    with pytest.raises(ArtifactError, match="holds checkpoint/v1; wanted is onnx/v1"):
        run(tiny_tokens, tiny_checkpoint, tmp_path / "report", onnx=tiny_checkpoint)
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    "nonsense", [{"threads": 0}, {"latency_rows": 0}, {"robustness_rows": -1}, {"latency_lengths": "1"}]
)
def test_options_refuse_nonsense(nonsense):
    with pytest.raises(OptionError, match=next(iter(nonsense))):
        ValidateConfig(**nonsense)


def test_outputs_that_would_overwrite_a_users_file_are_refused_before_any_work(
    tmp_path, tiny_tokens, tiny_checkpoint, judged
):
    notes = tmp_path / "report.md"  # where the Markdown report goes by default
    notes.write_text("# my notes\n")
    table = tmp_path / "table.csv"
    table.write_text("text,label\n")
    with pytest.raises(ArtifactError) as refused:
        run(tiny_tokens, tiny_checkpoint, tmp_path / "report", figures=tiny_tokens / "artifact.json", page=table)
    for word in ("report.md is a file that", "table.csv is a file that", "which is sealed and would be broken"):
        assert word in str(refused.value)
    with pytest.raises(ArtifactError, match="figures and page are one file"):
        run(tiny_tokens, tiny_checkpoint, tmp_path / "other", figures=tmp_path / "x", page=tmp_path / "x")
    assert not (tmp_path / "report").exists()
    assert notes.read_text() == "# my notes\n"
    assert expect(tiny_tokens, TOKENS)


def test_a_second_run_replaces_what_the_first_wrote(tmp_path, tiny_tokens, tiny_checkpoint):
    for _ in range(2):
        run(tiny_tokens, tiny_checkpoint, tmp_path / "report", options={"test_rows": 4})
    swapped = {
        "page": tmp_path / "report.md",
        "markdown": tmp_path / "report.html",
        "figures": tmp_path / "report.html",
    }
    for name, path in swapped.items():
        with pytest.raises(ArtifactError, match="is a file that potstill did not write"):
            run(tiny_tokens, tiny_checkpoint, tmp_path / "other", **{name: path})
