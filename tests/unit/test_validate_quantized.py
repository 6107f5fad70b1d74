"""What validate says of a quantised model's ranges: in the sealed summary, on the page, in Markdown."""

import re
from dataclasses import replace

import pytest

from potstill.artifacts import CHECKPOINT, REPORT, expect, seal
from potstill.data.tokens import VALIDATION, read_split
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.encoder.quantization import CONFIG_KEY, scale_tensors
from potstill.output_folder import creating
from potstill.qat.audit import audit, write_audit
from potstill.qat.config import QatConfig
from potstill.qat.post_training import calibrated, post_training_scales
from potstill.qat.sensitivity import Sensitivity, ranked, write_sensitivity
from potstill.training.floor import Judgement
from potstill.validate import ValidateConfig, validate_models
from potstill.validate.facts.int8_ranges import told
from potstill.validate.figures import read_figures
from tests.conftest import LABELS, OPEN
from tests.validating import QUICK

NARROW, POOLER = "bert.encoder.layer.1.intermediate.dense", "bert.pooler.dense"
TYPES = "bert.embeddings.token_type_embeddings"
HURT = f"input of {NARROW}"


def run(tokens, model, report):
    return validate_models(tokens, model, report, ValidateConfig(**QUICK))


def make_audited(folder, checkpoint, tokens, *, narrow=False, floor=False):
    """checkpoint/v1 as qat writes it with method static; narrow: one range is; floor: a linear stays float for it."""
    config = QatConfig(method="static", smoothing=0.5, max_accuracy_drop=2.0 if floor else 0.0)
    model, table = load_classifier(checkpoint), read_split(tokens, VALIDATION)
    scales = post_training_scales(model, calibrated(model, table, config))
    if narrow:
        scales[NARROW] = replace(scales[NARROW], input=scales[NARROW].input / 3)
    if floor:
        del scales[POOLER]
    kept = {"float_linears": [POOLER] if floor else [], "float_embeddings": [TYPES]}
    setattr(model.config, CONFIG_KEY, {"method": "static", **kept})
    with creating(folder, CHECKPOINT):
        write_audit(folder, audit(model, scales, table))
        if floor:
            judgement = Judgement(0.9, 0.25, 1.5, above_floor=True)
            found = Sensitivity(64, ranked({POOLER: 0.5, NARROW: 0.25}), (POOLER,), 2.0, 0.95, judgement)
            write_sensitivity(folder, found)
        save_checkpoint(model, checkpoint, folder, scale_tensors(scales))
        made = {"stage": "qat", "config": vars(config)}
        return seal(folder, CHECKPOINT, made, {}, {"labels": LABELS, "max_length": 32}, OPEN).path


@pytest.fixture(scope="module")
def judged(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    """The folder that holds the report of a model with a range too narrow, and a linear in float."""
    folder = tmp_path_factory.mktemp("made")
    model = make_audited(folder / "quantized", tiny_checkpoint, tiny_tokens, narrow=True, floor=True)
    run(tiny_tokens, model, folder / "report")
    return folder


def test_the_sealed_report_tells_it_in_short(judged):
    assert expect(judged / "report", REPORT)
    summary = read_figures(judged / "report" / "summary.json")
    short = summary["int8"]
    assert short["made"]["method"] == "static"
    assert short["int8_linears"] == 13
    assert short["float_linears"] == [POOLER]
    assert short["floor"]["lost_at_most"] == 1.5
    [hurt] = [each for each in short["hurts"] if each["tensor"] == HURT]
    assert "are clipped" in hurt["why"]
    assert read_figures(judged / "report.json")["int8"] == short


def section_of(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    start = page.index('<section id="int8"')
    return page[start : page.index("</section>", start)]


def test_the_page_shows_the_picture_what_hurts_and_how_it_was_made(judged):
    section = section_of(judged)
    assert section.count("<svg") == 1
    assert "layer.1.intermediate.dense, in" in section
    assert f">{HURT}<" in section
    for wanted in (
        "Method static: calibration minmax; inputs smoothed, alpha 0.5.",
        f"13 linears compute in int8; 1 stay float: {POOLER}.",
        "The floor: 2 points may be lost; it loses 0.25, at most 1.50 (one-sided 95 % bound, validation rows).",
        "Measured on 64 validation rows in float",
    ):
        assert wanted in section


def test_pictures_on_one_page_do_not_refer_to_each_others_parts(judged):
    page = (judged / "report.html").read_text(encoding="utf-8")
    parts = re.findall(r' id="([^"]+)"', page)
    assert len(parts) == len(set(parts)) > 10


def test_markdown_tells_it_shortly(judged):
    markdown = (judged / "report.md").read_text(encoding="utf-8")
    assert markdown.index("## Verdict") < markdown.index("## int8 ranges")
    assert "- 13 linears compute in int8; 1 stay float" in markdown
    assert f"- {HURT}: " in markdown


def test_where_nothing_hurts_that_is_said(tmp_path, tiny_tokens, tiny_checkpoint):
    model = make_audited(tmp_path / "quantized", tiny_checkpoint, tiny_tokens)
    run(tiny_tokens, model, tmp_path / "report")
    section = section_of(tmp_path)
    assert "No tensor's range hurts." in section
    assert "<table" not in section
    assert "14 linears compute in int8; none stays float." in section
    assert "The floor" not in section
    assert "- No tensor's range hurts." in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert read_figures(tmp_path / "report.json")["int8"]["floor"] is None


def test_without_an_audit_there_is_no_section(tmp_path, tiny_tokens, quantized_checkpoint):
    run(tiny_tokens, quantized_checkpoint, tmp_path / "report")
    assert read_figures(tmp_path / "report.json")["int8"] is None
    assert "int8 ranges" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "int8 ranges" not in (tmp_path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "dynamic"}, "Method dynamic: each text's inputs get their ranges as they come."),
        (
            {"method": "static", "calibration": "percentile", "percentile": 99.9},
            "Method static: calibration percentile 99.9 %.",
        ),
        (
            {"method": "qat", "calibration": "entropy", "ranges": "learned"},
            "Method qat: trained, from calibration entropy; ranges: learned with the weights.",
        ),
        ({}, "Method qat: trained, from calibration minmax; ranges: an average of each batch's extremes."),
    ],
)
def test_the_method_is_told_by_its_options(options, said):
    made = vars(QatConfig(**options))
    assert told({"made": made, "int8_linears": 3, "float_linears": [], "floor": None})[0] == said
    assert len(told({"made": {}, "int8_linears": 3, "float_linears": [], "floor": None})) == 1
