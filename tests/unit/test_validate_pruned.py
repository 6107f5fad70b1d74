"""What validate tells of a pruned model: the curve of its rounds; and models that read other word pieces."""

import re

import pytest

from potstill.artifacts import CHECKPOINT, REPORT, TOKENS, expect, seal
from potstill.data.tokens import TEST, read_split, read_texts
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.encoder.start import keep_embeddings
from potstill.encoder.tokenizer import TOKENIZER, copy_tokenizer
from potstill.errors import InputError
from potstill.measure.table import text_table
from potstill.output_folder import creating
from potstill.prune.curve import curve_from, read_curve
from potstill.prune.surgery import cut_positions
from potstill.validate import ValidateConfig, validate_models
from potstill.validate.figures import read_figures
from potstill.validate.models.reading import Reader
from potstill.validate.models.words import reads_other_words
from potstill.vocabulary.cut_files import write_cut
from tests.conftest import LABELS, MAKER
from tests.validating import QUICK


def run(tokens, model, report, **others):
    return validate_models(tokens, model, report, ValidateConfig(**QUICK), **others)


@pytest.fixture(scope="module")
def judged(tmp_path_factory, tiny_tokens, tiny_checkpoint, pruned_checkpoint):
    folder = tmp_path_factory.mktemp("made")
    run(tiny_tokens, tiny_checkpoint, folder / "report", pruned=pruned_checkpoint)
    return folder


def test_the_sealed_report_holds_the_curve(judged, pruned_checkpoint):
    assert expect(judged / "report", REPORT)
    summary = read_figures(judged / "report" / "summary.json")
    assert curve_from(summary["pruning"]) == read_curve(pruned_checkpoint)
    assert read_figures(judged / "report.json")["pruning"] == summary["pruning"]


def test_the_pages_show_the_rounds(judged):
    page = (judged / "report.html").read_text(encoding="utf-8")
    start = page.index('<section id="pruning"')
    section = page[start : page.index("</section>", start)]
    assert section.count("<svg") == 1
    assert section.count("<tr") == 5
    assert section.count('class="final"') == 1
    assert "ms by the latency table" not in section
    for wanted in ("round 2", "below the floor", "chosen", "The floor is 2 points lost"):
        assert wanted in section
    markdown = (judged / "report.md").read_text(encoding="utf-8")
    assert re.search(r"^\| round 1 \|.*\| chosen, best \|$", markdown, re.MULTILINE)
    assert markdown.index("## Verdict") < markdown.index("## Pruning")


def test_rounds_are_timed_beside_the_seal(tmp_path, tiny_tokens, tiny_checkpoint, pruned_checkpoint):
    run(tiny_tokens, tiny_checkpoint, tmp_path / "report", pruned=pruned_checkpoint, student=tiny_checkpoint)
    figures = read_figures(tmp_path / "report.json")
    timed = figures["latency"]["rounds"]
    assert list(timed) == ["start", "trimmed", "round 1", "round 2"]
    assert all(value > 0 for value in timed.values())
    assert all(point["latency_ms"] is None for point in figures["pruning"]["points"])
    assert "latency" not in read_figures(tmp_path / "report" / "summary.json")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "measured here" in page
    assert f"{timed['round 1']:.2f}" in page
    assert "measured here" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_rounds_of_another_student_are_not_timed_with_it(judged, tmp_path, tiny_tokens, pruned_checkpoint):
    assert read_figures(judged / "report.json")["latency"]["rounds"] == {}
    run(tiny_tokens, pruned_checkpoint, tmp_path / "report", student=pruned_checkpoint)
    assert read_figures(tmp_path / "report.json")["latency"]["rounds"] == {}


def test_the_model_brings_the_curve_where_no_pruned_one_is_given(tmp_path, tiny_tokens, pruned_checkpoint):
    run(tiny_tokens, pruned_checkpoint, tmp_path / "report")
    assert curve_from(read_figures(tmp_path / "report.json")["pruning"]) == read_curve(pruned_checkpoint)


def test_without_a_curve_there_is_no_section(tmp_path, tiny_tokens, tiny_checkpoint):
    run(tiny_tokens, tiny_checkpoint, tmp_path / "report")
    assert read_figures(tmp_path / "report.json")["pruning"] is None
    assert '<section id="pruning"' not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Pruning" not in (tmp_path / "report.md").read_text(encoding="utf-8")


def smaller_vocabulary(folder, checkpoint, tokens):
    """The same model without the word pieces that no text has: other ids, the same answers."""
    used = set(read_split(tokens, TEST).ids.tolist()) | set(range(5))
    model = load_classifier(checkpoint)
    kept = [old for old in range(model.config.vocab_size) if old in used]
    assert len(kept) < model.config.vocab_size
    keep_embeddings(model, kept)
    with creating(folder, CHECKPOINT):
        cut = folder.parent / f"{folder.name}-tokenizer"
        cut.mkdir()
        write_cut(checkpoint, kept, cut)
        save_checkpoint(model, cut, folder)
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}).path


def test_a_model_with_a_smaller_vocabulary_is_judged_on_the_same_texts(tmp_path, tiny_tokens, tiny_checkpoint):
    smaller = smaller_vocabulary(tmp_path / "smaller", tiny_checkpoint, tiny_tokens)
    run(tiny_tokens, smaller, tmp_path / "report", teacher=tiny_checkpoint)
    figures = read_figures(tmp_path / "report.json")
    assert figures["models"]["model"]["agreement_teacher"] == 1
    assert figures["models"]["model"]["accuracy"] == figures["models"]["teacher"]["accuracy"]
    assert figures["other_words"] == ["model"]
    assert "not that of the tokens, from the same texts: model." in " ".join(text_table(figures).split())


def test_an_export_with_a_smaller_vocabulary_is_judged_on_the_same_texts(tmp_path, tiny_tokens, tiny_checkpoint):
    from potstill.onnx_export import OnnxExportConfig, export_onnx

    smaller = smaller_vocabulary(tmp_path / "smaller", tiny_checkpoint, tiny_tokens)
    followed = tmp_path / "tokens"
    follow(tiny_tokens, smaller, followed)
    export_onnx(smaller, followed, tmp_path / "onnx", OnnxExportConfig(minimum_agreement=0.0))
    run(tiny_tokens, smaller, tmp_path / "report", onnx=tmp_path / "onnx", teacher=tiny_checkpoint)
    models = read_figures(tmp_path / "report.json")["models"]
    assert models["onnx_fp32"]["agreement_teacher"] == 1
    run(followed, smaller, tmp_path / "other", onnx=tmp_path / "onnx", teacher=tiny_checkpoint)
    figures = read_figures(tmp_path / "other.json")
    assert figures["other_words"] == ["teacher"]
    assert {name: each["accuracy"] for name, each in figures["models"].items()} == {
        name: each["accuracy"] for name, each in models.items()
    }


def follow(tokens, model, folder):
    """The token set cut anew for a model, as tokenize does it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from potstill.data.tokens import SCHEMA, SPLITS, split_path

    meaning = dict(expect(tokens, TOKENS).meaning)
    with creating(folder, TOKENS, tokens, model):
        for split in SPLITS:
            table = pq.read_table(split_path(tokens, split))
            anew = Reader(model, expect(tokens, TOKENS)).cut(read_texts(tokens, split))
            ids = pa.array([anew.row(row).tolist() for row in range(len(anew))], SCHEMA.field("input_ids").type)
            place = table.schema.get_field_index("input_ids")
            pq.write_table(table.set_column(place, SCHEMA.field("input_ids"), ids), split_path(folder, split))
        copy_tokenizer(model, folder)
        meaning["vocabulary_size"] = load_classifier(model).config.vocab_size
        seal(folder, TOKENS, MAKER, {}, meaning)


def test_the_tokens_own_tokenizer_gives_the_tokens_own_ids(tiny_tokens, tiny_checkpoint, tmp_path):
    table = read_split(tiny_tokens, TEST)
    again = Reader(tiny_checkpoint, expect(tiny_tokens, TOKENS)).cut(read_texts(tiny_tokens, TEST))
    assert (again.ids == table.ids).all()
    assert (again.offsets == table.offsets).all()
    assert not reads_other_words(tiny_checkpoint, tiny_tokens)
    assert not reads_other_words(tmp_path, tiny_tokens)  # no tokenizer
    (tmp_path / TOKENIZER).write_text("{}")
    assert reads_other_words(tmp_path, tiny_tokens)


def test_a_model_that_reads_too_few_tokens_is_refused(tmp_path, tiny_tokens, tiny_checkpoint):
    short = tmp_path / "short"
    with creating(short, CHECKPOINT):
        save_checkpoint(cut_positions(load_classifier(tiny_checkpoint), 16), tiny_checkpoint, short)
        seal(short, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 16})
    with pytest.raises(InputError, match="pruned reads 16 tokens of a text at most, the tokens have up to 32"):
        run(tiny_tokens, tiny_checkpoint, tmp_path / "report", pruned=short)
