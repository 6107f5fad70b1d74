"""latency-table: what is run, measured and sealed."""

from dataclasses import replace

import numpy as np
import pytest

from potstill.artifacts import CHECKPOINT, LATENCY, expect, seal
from potstill.encoder.checkpoint import load_classifier, read_config, save_checkpoint
from potstill.errors import InputError, OptionError
from potstill.latency_table import LatencyTableConfig, measure_latencies
from potstill.latency_table.graphs import open_shape
from potstill.latency_table.shapes import CHECKS
from potstill.latency_table.table import read_table
from potstill.output_folder import creating
from potstill.prune.cost import latency_ms
from potstill.prune.shape import shape_of
from tests.conftest import LABELS, MAKER, OPEN, make_checkpoint
from tests.pruned_models import bert, heads_and_neurons, mobile_neurons, mobilebert

QUICK = {"sizes": 2, "repeats": 10}


def sealed_model(folder, model, tokenizer):
    with creating(folder, CHECKPOINT):
        save_checkpoint(model, tokenizer, folder)
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN).path


@pytest.fixture
def exported(monkeypatch):
    """Open a shape and keep the graph that was saved; → the call's logits and the operators."""
    from potstill.latency_table import graphs

    def opened(like, shape, config):
        kept = []
        real = graphs.onnx.save
        monkeypatch.setattr(graphs.onnx, "save", lambda graph, file: (kept.append(graph), real(graph, file)))
        (logits,) = open_shape(like, shape, config)()
        return logits, [node.op_type for node in kept[-1].graph.node]

    return opened


@pytest.mark.parametrize("kind", ["optimized", "int8"])
def test_a_shape_runs_as_onnx_export_would_run_it(exported, kind):
    like = heads_and_neurons(bert(100)).config
    logits, operators = exported(like, shape_of(like), LatencyTableConfig(format=kind, length=16))
    assert logits.shape == (1, 2)
    assert np.isfinite(logits).all()
    assert operators.count({"optimized": "Attention", "int8": "QAttention"}[kind]) == 3
    assert kind == "optimized" or "DynamicQuantizeMatMul" in operators or "MatMulInteger" in operators


def test_a_mobilebert_runs_too(exported):
    like = mobile_neurons(mobilebert(100)).config
    logits, _ = exported(like, shape_of(like), LatencyTableConfig(length=16))
    assert logits.shape == (1, 2)
    assert np.isfinite(logits).all()


def test_a_table_is_measured_sealed_and_read(tmp_path, tiny_checkpoint):
    measures = measure_latencies(tiny_checkpoint, tmp_path / "latency", LatencyTableConfig(**QUICK))
    artifact = expect(tmp_path / "latency", LATENCY)
    table = read_table(artifact.path)
    assert [file.path for file in artifact.files] == ["latency.json"]
    assert (table.family, table.hidden, table.head_size) == ("bert", 32, 8)
    assert (list(table.attention), list(table.ffn)) == ([1, 4], [8, 64])
    assert (table.length, table.format, table.threads) == (32, "optimized", 1)
    assert table.processor
    assert artifact.meaning["processor"] == table.processor
    assert artifact.meaning["from_json"] is False
    assert artifact.inputs == {"model": expect(tiny_checkpoint, CHECKPOINT).digest}
    assert artifact.made_by["stage"] == "latency-table"
    assert len(table.check) == CHECKS
    own = shape_of(read_config(tiny_checkpoint))
    assert measures["model_ms"] == latency_ms(own, table) > 0
    assert measures["worst_error"] == max(abs(each.error) for each in table.check)


@pytest.mark.parametrize("kind", ["optimized", "int8"])
def test_a_larger_model_is_measured_slower(tmp_path, tokenizer_folder, kind):
    """Sizes that differ sixteenfold tell through any noise; thread time leaves out what the neighbours do."""
    sizes = {"hidden": 256, "num_attention_heads": 8, "intermediate_size": 1024}
    model = make_checkpoint(tmp_path / "model", tokenizer_folder, **sizes).path
    measure_latencies(model, tmp_path / "latency", LatencyTableConfig(format=kind, **QUICK))
    table = read_table(tmp_path / "latency")
    assert table.ffn[1024] > table.ffn[64] == 0
    assert table.attention[8] > table.attention[1]
    own = shape_of(read_config(model))
    less = replace(own, heads=(1, 1), neurons=(64, 64))
    assert latency_ms(less, table) < latency_ms(own, table)


def test_an_uneven_and_a_mobile_checkpoint_have_tables(tmp_path, tokenizer_folder, tiny_checkpoint):
    size = read_config(tiny_checkpoint).vocab_size
    for name, model in (("uneven", heads_and_neurons(bert(size))), ("mobile", mobile_neurons(mobilebert(size)))):
        folder = sealed_model(tmp_path / name, model, tokenizer_folder)
        measure_latencies(folder, tmp_path / f"{name}-latency", LatencyTableConfig(**QUICK))
        table = read_table(tmp_path / f"{name}-latency")
        assert (table.check[0].heads, table.check[0].neurons) == (
            list(shape_of(model.config).heads),
            list(shape_of(model.config).neurons),
        )
    assert list(table.attention) == [2]


def test_measuring_leaves_torch_as_it_was(tmp_path, tiny_checkpoint):
    import torch

    before = torch.get_num_threads(), torch.random.get_rng_state()
    measure_latencies(tiny_checkpoint, tmp_path / "latency", LatencyTableConfig(**QUICK))
    assert torch.get_num_threads() == before[0]
    assert torch.equal(torch.random.get_rng_state(), before[1])


def test_a_table_that_was_far_off_says_so(tmp_path, tiny_checkpoint, monkeypatch, capsys):
    from potstill.latency_table import stage

    monkeypatch.setattr(stage, "in_turns", lambda calls, *_: np.linspace(1, 9, len(calls)) ** 2)
    measures = measure_latencies(tiny_checkpoint, tmp_path / "latency", LatencyTableConfig(**QUICK))
    told = capsys.readouterr().err
    assert measures["worst_error"] > 0.1
    assert told.count("check: ") == CHECKS
    assert "run it again while the machine does nothing else" in told


def test_a_row_longer_than_the_model_takes_is_refused(tmp_path, tiny_checkpoint):
    with pytest.raises(OptionError, match="length must be at most 64, the positions of the model, got 65"):
        measure_latencies(tiny_checkpoint, tmp_path / "latency", LatencyTableConfig(length=65))
    assert not (tmp_path / "latency").exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"format": "fp32"}, "format must be one of optimized, int8, got 'fp32'"),
        ({"length": 0}, "length should be greater than or equal to 1, got 0"),
        ({"sizes": 1}, "sizes should be greater than or equal to 2, got 1"),
        ({"repeats": 9}, "repeats should be greater than or equal to 10, got 9"),
        ({"threads": 0}, "threads should be greater than or equal to 1, got 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(given, told):
    with pytest.raises(OptionError, match=told):
        LatencyTableConfig(**given)


def test_a_model_of_another_family_is_refused(tmp_path, tokenizer_folder):
    from transformers import ElectraConfig, ElectraForSequenceClassification

    config = ElectraConfig(vocab_size=100, hidden_size=32, num_hidden_layers=1, num_attention_heads=4)
    folder = sealed_model(tmp_path / "electra", ElectraForSequenceClassification(config), tokenizer_folder)
    assert load_classifier(folder)
    with pytest.raises(InputError, match="electra"):
        measure_latencies(folder, tmp_path / "latency", LatencyTableConfig())
    assert not (tmp_path / "latency").exists()
