"""How validate reads, weighs and times models: parts of a file, tokenizers, rivals, lengths."""

import numpy as np
import pytest

from potstill.artifacts import TOKENS, expect
from potstill.data.tokens import TEST, TRAIN, from_rows, read_split, read_texts
from potstill.errors import OptionError
from potstill.measure.parts import part_of
from potstill.validate.candidates import Runner
from potstill.validate.config import ValidateConfig
from potstill.validate.measured.timing import BATCH, rows_of, time_model
from potstill.validate.models.reading import Reader
from potstill.validate.models.rivals import Majority, labelled_rows, rivals
from potstill.validate.models.weights import weights_by_part


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("bert.embeddings.word_embeddings.weight", "embeddings"),
        ("bert_embeddings_word_embeddings_weight_quantized", "embeddings"),
        ("bert.encoder.layer.11.output.dense.weight", "layer 11"),
        ("mobilebert.encoder.layer.3.ffn.0.intermediate.dense.weight", "layer 3"),
        ("albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight", "layer 0"),
        ("distilbert.transformer.layer.5.attention.q_lin.weight", "layer 5"),
        ("Attention_1_qkv_weight", "layer 1"),
        (".bert.encoder.layer.0.intermediate.dense.MatMul", "layer 0"),
        ("bert.pooler.dense.weight", "head"),
        ("classifier.bias", "head"),
        ("onnx::MatMul_316", "other weights"),
    ],
)
def test_a_weights_part_is_told_by_its_name(name, part):
    assert part_of(name) == part


def test_parts_of_a_checkpoint_make_its_file(tiny_checkpoint):
    weights = tiny_checkpoint / "model.safetensors"
    parts = weights_by_part(weights)
    assert sum(parts.values()) == weights.stat().st_size
    assert list(parts) == ["embeddings", "encoder", "head", "other"]
    from safetensors.numpy import load_file

    tensors = load_file(weights)
    assert parts["embeddings"] == sum(each.nbytes for name, each in tensors.items() if "embeddings" in name)
    assert parts["head"] == sum(each.nbytes for name, each in tensors.items() if "pooler" in name or "classif" in name)


def test_parts_of_onnx_files_and_packages_make_their_size(tmp_path, tiny_checkpoint, tiny_tokens):
    onnx_export = pytest.importorskip("potstill.onnx_export")
    from potstill.measure.size import size_on_disk
    from potstill.validate.models.weights import initializers_by_part

    config = onnx_export.OnnxExportConfig(minimum_agreement=0.5, formats="fp32,optimized,int8")
    onnx_export.export_onnx(tiny_checkpoint, tiny_tokens, tmp_path / "onnx", config)
    whole = weights_by_part(tiny_checkpoint / "model.safetensors")
    for file in sorted((tmp_path / "onnx").glob("*.onnx")):
        parts = initializers_by_part(file)
        assert sum(parts.values()) == size_on_disk(file)
        if "int8" not in file.name:
            assert parts["encoder"] == pytest.approx(whole["encoder"], rel=0.05)  # some biases become constants
            assert parts["embeddings"] == pytest.approx(whole["embeddings"], rel=0.05)
        else:
            assert 0 < parts["encoder"] < whole["encoder"] / 2


def test_a_reader_cuts_as_the_tokens_were_cut(tiny_tokens, tiny_checkpoint):
    reader, table = Reader(tiny_checkpoint, expect(tiny_tokens, TOKENS)), read_split(tiny_tokens, TEST)
    cut = reader.cut(read_texts(tiny_tokens, TEST))
    assert not reader.own
    assert np.array_equal(cut.ids, table.ids)
    assert np.array_equal(cut.offsets, table.offsets)


def test_unknown_tokens_are_counted_without_the_special_ones(tiny_tokens, tiny_checkpoint):
    reader = Reader(tiny_checkpoint, expect(tiny_tokens, TOKENS))
    known = reader.cut(read_texts(tiny_tokens, TEST)[:1])
    assert reader.unknown_share(known) == 0
    assert reader.unknown_share(reader.cut(["\U00010400\U00010400 \U00010401"])) == 1
    assert reader.unknown_share(reader.cut([""])) is None


def test_the_majority_says_what_most_rows_are(tiny_tokens):
    rows = labelled_rows(tiny_tokens)
    shares = Majority(rows, 2).predict(["a", "b"])
    truth = read_split(tiny_tokens, TRAIN).labels
    assert shares.shape == (2, 2)
    assert shares[0, 1] == (truth == 1).mean()
    assert [each.name for each in rivals(tiny_tokens, 2)] == ["majority", "tfidf"]


def test_lengths_are_those_asked_for_as_far_as_a_row_goes():
    assert ValidateConfig().lengths(40) == [16, 32, 40]
    assert ValidateConfig().lengths(2) == [3]
    assert ValidateConfig(latency_lengths="8, 64").lengths(40) == [8, 40]
    for wrong in ("2", "x", "8;16", "1_6", "-8", "8.0", "٣"):
        with pytest.raises(OptionError, match=r"latency_lengths must be numbers of at least 3"):
            ValidateConfig(latency_lengths=wrong)


def test_rows_of_one_length_are_made_of_the_tables_words():
    table = from_rows([np.array([1, 7, 8, 2], np.int32), np.array([1, 9, 2], np.int32)], np.array([0, 1]))
    made = rows_of(table, 6)
    assert len(made) == BATCH
    assert made.row(0).tolist() == [1, 7, 8, 9, 7, 2]
    assert set(made.lengths) == {6}


def test_a_table_without_words_is_timed_all_the_same():
    table = from_rows([np.array([1, 2], np.int32)], np.array([0]))
    assert rows_of(table, 4).row(0).tolist() == [1, 1, 1, 2]


def unasked(table):
    raise AssertionError("timing predicts nothing")


def test_timing_tells_each_call_and_each_length():
    seen = []

    def prepare(table, rows):
        return lambda: seen.append((len(rows), int(table.lengths[0])))

    table = from_rows([np.arange(5, dtype=np.int32)] * 4, np.zeros(4, np.int64))
    config = ValidateConfig(latency_rows=3, latency_warmup=2, latency_lengths="4,5")
    timing = time_model(Runner(unasked, prepare), table, config)
    assert len(timing.samples) == 3
    assert seen[:5] == [(1, 5)] * 5
    assert [each.tokens for each in timing.lengths] == [4, 5]
    assert all(each.calls >= 3 and each.rows_per_second > 0 for each in timing.lengths)
    assert {(1, 4), (BATCH, 4), (1, 5), (BATCH, 5)} <= set(seen)
    fixed = time_model(Runner(unasked, prepare, batch=1, tokens=4), table, config)
    assert [(each.tokens, each.batch) for each in fixed.lengths] == [(4, 1)]
    assert time_model(Runner(unasked, None), table, config) is None
