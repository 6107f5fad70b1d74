"""The model card: read back by huggingface_hub, restrictions first, nothing that others chose read as markup."""

import socket

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard import metadata_load

from potstill.validate.budgets import Budgets, failures_of, judge_budgets, verdict_of
from potstill.validate.card import write_card
from potstill.validate.card.escaping import plain
from potstill.validate.card.using import how_to_use
from tests.report_figures import device, report_figures

RESTRICTED = {"expression": "LicenseRef-m3e-research-only AND MIT", "use": "research-only"}


def judged(figures=None, **limits):
    figures = figures or report_figures()
    judgements = judge_budgets(figures, Budgets(**limits))
    return figures | {"budgets": judgements, "verdict": verdict_of(judgements), "failures": failures_of(judgements)}


def written(tmp_path, figures, **named):
    path = tmp_path / "README.md"
    write_card(path, figures, **named)
    return path


def test_the_hub_reads_what_was_measured(tmp_path):
    path = written(tmp_path, judged(), name="Titles: 4 labels")
    told = metadata_load(path)
    assert told["license"] == "apache-2.0"
    assert told["pipeline_tag"] == "text-classification"
    assert told["tags"] == ["potstill", "onnx", "coreml", "distillation"]
    assert "language" not in told
    (index,) = told["model-index"]
    assert index["name"] == "Titles: 4 labels"
    (result,) = index["results"]
    assert result["task"]["type"] == "text-classification"
    assert result["dataset"]["revision"] == "11" * 32
    metrics = {each["name"]: (each["type"], each["value"]) for each in result["metrics"]}
    assert metrics == {
        "Accuracy, ONNX int8": ("accuracy", 0.867),
        "Macro-F1, ONNX int8": ("f1", 0.857),
        "Accuracy, Core ML int8": ("accuracy", 0.867),
        "Macro-F1, Core ML int8": ("f1", 0.857),
    }


def test_the_hub_library_keeps_the_card_as_it_is(tmp_path):
    path = written(tmp_path, judged())
    card = ModelCard.load(path)
    assert [each.metric_value for each in card.data.eval_results] == [0.867, 0.857, 0.867, 0.857]
    assert str(card) == path.read_text(encoding="utf-8")


def test_the_same_figures_give_the_same_bytes_and_nothing_is_looked_up(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the card asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    first = written(tmp_path, judged()).read_bytes()
    assert written(tmp_path, judged()).read_bytes() == first


def test_a_restriction_stands_before_all_else(tmp_path):
    path = written(tmp_path, judged(report_figures() | {"licence": RESTRICTED}))
    told, text = metadata_load(path), ModelCard.load(path).text.strip()
    assert (told["license"], told["license_name"]) == ("other", "licenseref-m3e-research-only-and-mit")
    assert text.startswith("**RESEARCH ONLY: ")
    assert text.count("RESEARCH ONLY") == 1


def test_what_nobody_declared_is_not_called_free(tmp_path):
    told = metadata_load(
        written(tmp_path, judged(report_figures() | {"licence": {"expression": "MIT", "use": "undeclared"}}))
    )
    assert (told["license"], told["license_name"]) == ("other", "mit")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, "**Verdict: pass.** ONNX int8 meets every budget"),
        ({"max_size_mb": 5.0}, "**Verdict: fail.** ONNX int8 does not meet every budget"),
        ({"max_accuracy_loss": 0.4}, "**Verdict: inconclusive.** ONNX int8 cannot be told"),
    ],
)
def test_the_verdict_stands_first_with_what_it_fails_for(tmp_path, limits, said):
    figures = judged(**limits)
    text = ModelCard.load(written(tmp_path, figures)).text
    assert text.strip().split("\n\n")[1].startswith(said)
    assert text.count("\n- max_size_mb: ") == (2 if "max_size_mb" in limits else 0)
    assert all(plain(line) in text for line in figures["failures"])


def test_it_tells_limits_lineage_and_what_was_not_measured(tmp_path):
    text = ModelCard.load(written(tmp_path, judged())).text
    for said in (
        "Weakest classes: 体育: F1 0.862, recall 85.7 %, 2,500 rows",
        "Homophone typed, changes its accuracy from 86.70 % to 83.70 %",
        "Expected calibration error of its probabilities: 0.0300",
        "| tokens | tokens/v1 | tokenize | Apache-2.0 | " + "11" * 32,
        "Sealed report with every prediction: `" + "ab" * 32,
        "No phone was measured",
        "Core ML packages were executed without a Mac",
        "Energy, heat",
        "| ONNX int8 | 86.70 |",
        'InferenceSession("model.int8.onnx")',
        'forResource: "model.int8", withExtension: "mlmodelc"',
    ):
        assert said in text


def test_given_measurements_are_told_as_given(tmp_path):
    text = ModelCard.load(written(tmp_path, judged(report_figures() | {"devices": [device()]}))).text
    assert "iPhone 15, iOS 18.1, coreml_int8: p50 4.00 ms, p95 6.00 ms, memory 70.00 MB" in text
    assert "No phone was measured" not in text


def test_without_exports_or_disturbances_it_says_so(tmp_path):
    figures = report_figures()
    figures |= {"models": {name: figures["models"][name] for name in ("teacher", "float", "qat")}, "final": "qat"}
    text = ModelCard.load(written(tmp_path, judged(figures | {"robustness": None}))).text
    assert "No exported file was judged" in text
    assert "was not measured" in text


HOSTILE = "a|b <img src=x> *x* `y` [z](http://e.org)\n# --- \x00: &amp; @me www.e.org __i__"


def test_what_others_chose_is_no_markup(tmp_path):
    figures = report_figures()
    figures["labels"][0] = HOSTILE
    figures["models"]["onnx_int8"]["per_class"][0]["label"] = HOSTILE
    figures["models"]["onnx_int8"]["loss"]["classes"][0] |= {"label": HOSTILE, "lost_rows": 900}
    path = written(tmp_path, judged(figures), name=HOSTILE.replace("\x00", ""))
    assert metadata_load(path)["model-index"][0]["name"] == HOSTILE.replace("\x00", "")
    text = ModelCard.load(path).text
    for markup in ("<img", " *x*", "[z](", "`y`", "http://e", "\x00", " @me", "www.e", "\n# ---", " &amp; "):
        assert markup not in text
    cells = [line for line in text.splitlines() if line.startswith("| fail | max_class_loss")]
    assert cells
    assert all(line.replace(r"\|", "").count("|") == 6 for line in cells)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("体育", "体育"),
        ("max_size_mb 5.0", "max_size_mb 5.0"),
        ("_x_", r"\_x\_"),
        ("- x", "&#45; x"),
        ("1. x", "&#49;. x"),
        ("12) x", "&#49;2) x"),
        ("# x", "&#35; x"),
        ("a\r\nb\u2028c", "a b c"),
        ("https://x", r"https\://x"),
        ("\\", r"\\"),
        (3, "3"),
    ],
)
def test_plain_words_stay_readable(text, escaped):
    assert plain(text) == escaped


def test_the_program_for_onnx_runs(tmp_path, tiny_checkpoint, tiny_tokens, monkeypatch, capsys):
    from potstill.onnx_export import OnnxExportConfig, export_onnx

    export_onnx(tiny_checkpoint, tiny_tokens, tmp_path / "onnx", OnnxExportConfig(formats="int8", minimum_agreement=0))
    monkeypatch.chdir(tmp_path / "onnx")
    program = how_to_use({"models": {"onnx_int8": {}}}).split("```python\n")[1].split("```")[0]
    exec(compile(program, "card", "exec"), {})
    labels = json_labels(tmp_path / "onnx" / "config.json")
    assert capsys.readouterr().out.strip() in labels


def json_labels(path):
    import json

    return list(json.loads(path.read_text(encoding="utf-8"))["id2label"].values())
