"""The saved shape: uneven models come back exactly with potstill and not at all without it, even ones are stock."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, BertConfig, ElectraConfig, MobileBertConfig

from potstill.encoder.checkpoint import load_classifier, read_config, save_checkpoint
from potstill.encoder.heads import attention_heads
from potstill.encoder.pruned import MODEL_TYPE, PrunedBertConfig
from potstill.encoder.pruned_mobilebert import MOBILE_MODEL_TYPE, PrunedMobileBertConfig
from potstill.encoder.uneven import REFUSAL
from potstill.errors import InputError
from potstill.prune.shape import Shape, config_of, refuse_cuts, shape_of
from potstill.prune.structure import attentions, feed_forwards
from potstill.prune.surgery import cut_hidden
from tests.conftest import LABELS
from tests.pruned_models import SHORT, STOCK, UNEVEN, bert, mobilebert, some, start_of, stock, uneven

VOCABULARY = 50
IDS = torch.randint(5, VOCABULARY, (4, 9), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def logits(model):
    return model(input_ids=IDS).logits


def without_potstill(code, *arguments):
    """Run a script in a Python that never imports potstill; → what it printed as JSON."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        capture_output=True,
        check=True,
        text=True,
        env=environment,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def saved(tmp_path_factory, tokenizer_folder):
    """Folders of every uneven and every stock shape, as save_checkpoint writes them."""
    folder, found = tmp_path_factory.mktemp("saved"), {}
    for kind, names, make in (("uneven", UNEVEN, uneven), ("stock", STOCK, stock)):
        for name in names:
            found[kind, name] = folder / f"{kind} {name}"
            save_checkpoint(make(name, VOCABULARY), tokenizer_folder, found[kind, name])
    return found


# ------------------------------------------------------------------------------------------------ shapes


@pytest.mark.parametrize("name", UNEVEN)
def test_a_shape_is_that_of_the_model(name):
    model = uneven(name, VOCABULARY)
    shape = shape_of(model.config)
    base = model.base_model
    assert shape.neurons == tuple(each.first.out_features for each in feed_forwards(model))
    assert shape.layers == len(base.encoder.layer)
    assert [sum(each) for each in shape.neurons_by_layer] == [
        sum(network.first.out_features for network in feed_forwards(model) if network.layer == layer)
        for layer in range(shape.layers)
    ]
    assert (shape.vocabulary, shape.hidden) == (
        base.embeddings.word_embeddings.num_embeddings,
        base.pooler.dense.in_features,
    )
    assert shape.positions == base.embeddings.position_embeddings.num_embeddings
    widths = [layer.attention.self.query.out_features for layer in base.encoder.layer]
    assert [heads * shape.head_size for heads in shape.heads] == widths
    assert attention_heads(model.config) == (shape.head_size, shape.heads)
    if shape.family == "bert":
        assert shape.heads == tuple(each.heads for each in attentions(model))


@pytest.mark.parametrize("name", UNEVEN)
def test_a_config_of_a_shape_has_that_shape(name):
    start, model = start_of(name, VOCABULARY), uneven(name, VOCABULARY)
    shape = shape_of(model.config)
    made = config_of(start.config, shape)
    assert shape_of(made) == shape
    assert made.model_type == {"bert": MODEL_TYPE, "mobilebert": MOBILE_MODEL_TYPE}[shape.family]
    assert made.id2label == dict(enumerate(LABELS))
    assert shape_of(config_of(made, shape_of(start.config))) == shape_of(start.config)
    assert config_of(made, shape_of(start.config)).model_type == start.config.model_type


def test_a_shape_spelled_out():
    narrow = {"intra_bottleneck_size": 16, "num_attention_heads": 2, "hidden_size": 32}
    config = PrunedMobileBertConfig([[1, 2, 3, 4], [5, 6, 7, 8]], num_hidden_layers=2, vocab_size=9, **narrow)
    assert shape_of(config) == Shape("mobilebert", 32, 8, (2, 2), (1, 2, 3, 4, 5, 6, 7, 8), 2, 9, 512)
    assert shape_of(config).neurons_by_layer == [[1, 2, 3, 4], [5, 6, 7, 8]]
    config = BertConfig(vocab_size=9, hidden_size=24, num_attention_heads=3, num_hidden_layers=2, intermediate_size=7)
    assert shape_of(config) == Shape("bert", 24, 8, (3, 3), (7, 7), 2, 9, 512)


def test_everything_that_is_not_shape_is_kept():
    old = BertConfig(hidden_act="gelu_new", hidden_dropout_prob=0.3, problem_type="multi_label_classification", x=1)
    made = config_of(old, replace(shape_of(old), neurons=(8, *[16] * 11)))
    assert (made.hidden_act, made.hidden_dropout_prob, made.problem_type, made.x) == (
        "gelu_new",
        0.3,
        "multi_label_classification",
        1,
    )


def test_other_families_are_refused():
    with pytest.raises(InputError, match="the model is electra; pruning reads bert, potstill_pruned_bert, mobilebert"):
        shape_of(ElectraConfig())
    with pytest.raises(InputError, match="position_embedding_type relative_key; pruning reads absolute"):
        shape_of(BertConfig(position_embedding_type="relative_key"))


def test_what_a_mobilebert_does_not_bear_is_refused_with_the_reason():
    for config in (BertConfig(), PrunedBertConfig()):
        refuse_cuts(config, head_sparsity=0.5, hidden_sparsity=0.5)
    for config in (MobileBertConfig(), PrunedMobileBertConfig()):
        refuse_cuts(config, head_sparsity=0.0, hidden_sparsity=0.0)
        with pytest.raises(InputError, match=r"head_sparsity must be 0, got 0\.5: a block has only 4") as refused:
            refuse_cuts(config, head_sparsity=0.5, hidden_sparsity=0.25)
        assert "hidden_sparsity must be 0, got 0.25: NoNorm is a fixed scale" in str(refused.value)
        assert "Vocabulary, positions, FFN and whole layers can go" in str(refused.value)


# ------------------------------------------------------------------------------------------------ uneven


@pytest.mark.parametrize("name", UNEVEN)
def test_an_uneven_checkpoint_comes_back_bit_for_bit(name, saved):
    folder, wanted = saved["uneven", name], logits(uneven(name, VOCABULARY))
    assert json.loads((folder / "config.json").read_text())["hidden_act"] == REFUSAL
    assert torch.equal(logits(load_classifier(folder)), wanted)
    opened = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
    assert torch.equal(logits(opened), wanted)
    assert opened.config.hidden_act == start_of(name, VOCABULARY).config.hidden_act
    assert shape_of(opened.config) == shape_of(uneven(name, VOCABULARY).config)


def test_saving_again_gives_the_same_bytes(saved, tmp_path, tokenizer_folder):
    for name in ("odd", "mobile"):
        save_checkpoint(load_classifier(saved["uneven", name]), tokenizer_folder, tmp_path / name)
        for file in ("config.json", "model.safetensors"):
            assert (tmp_path / name / file).read_bytes() == (saved["uneven", name] / file).read_bytes()


@pytest.mark.parametrize("name", ["heads", "mobile"])
def test_checkpoints_of_before_open_too(name, saved, tmp_path, tokenizer_folder):
    """They have the activation itself in hidden_act."""
    save_checkpoint(load_classifier(saved["uneven", name]), tokenizer_folder, tmp_path / "old")
    written = json.loads((tmp_path / "old" / "config.json").read_text())
    written["hidden_act"] = written.pop("true_hidden_act")
    (tmp_path / "old" / "config.json").write_text(json.dumps(written))
    assert torch.equal(logits(load_classifier(tmp_path / "old")), logits(uneven(name, VOCABULARY)))


OPEN_BY_ALL = """
import json, sys
import transformers

found = []
for folder, classes in json.loads(sys.argv[1]).items():
    for name in classes:
        for flags in ({}, {"ignore_mismatched_sizes": True}):
            try:
                getattr(transformers, name).from_pretrained(folder, **flags)
            except Exception as error:
                found.append([name, f"{type(error).__name__}: {error}"])
            else:
                found.append([name, "opened"])
assert not any(name.startswith("potstill") for name in sys.modules)
print(json.dumps(found))
"""
AUTO = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification")
OWN = {
    "odd": ("BertModel", "BertForSequenceClassification", "BertForMaskedLM", "RobertaForSequenceClassification"),
    "heads": ("BertModel", "BertForSequenceClassification", "MobileBertForSequenceClassification"),
    "mobile dropped": ("MobileBertModel", "MobileBertForSequenceClassification", "BertForSequenceClassification"),
}


def test_stock_transformers_fails_loudly(saved):
    """Whatever class and flag: an Auto class knows no such model, and a class of its own no such activation."""
    asked = {str(saved["uneven", name]): AUTO + own for name, own in OWN.items()}
    found = without_potstill(OPEN_BY_ALL, json.dumps(asked))
    assert len(found) == 2 * sum(map(len, asked.values()))
    for called, told in found:
        if called.startswith("Auto"):
            assert told.startswith("ValueError: The checkpoint you are trying to load has model type `potstill_pruned_")
        else:
            assert told == f"KeyError: '{REFUSAL}'"


def test_a_config_in_memory_is_like_any_other():
    config = uneven("odd", VOCABULARY).config
    assert config.hidden_act == config.to_dict()["hidden_act"] == "gelu"
    assert "true_hidden_act" not in config.to_dict()
    assert type(config).from_dict(config.to_dict()).to_dict() == config.to_dict()


def test_a_config_without_lists_is_even():
    config = PrunedMobileBertConfig(num_hidden_layers=2, intermediate_size=24)
    assert config.ffn_per_layer == [[24] * 4] * 2
    assert shape_of(PrunedBertConfig(num_hidden_layers=2)) == shape_of(BertConfig(num_hidden_layers=2))
    assert AutoConfig.for_model(MOBILE_MODEL_TYPE).ffn_per_layer == [[512] * 4] * 24


# ------------------------------------------------------------------------------------------------ even


OPEN_STOCK = """
import json, sys
import torch
from transformers import AutoModelForSequenceClassification

ids = torch.tensor(json.loads(sys.argv[1]))
found = {}
for folder in sys.argv[2:]:
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        found[folder] = [type(model).__name__, model(input_ids=ids).logits.tolist()]
assert not any(name.startswith("potstill") for name in sys.modules)
print(json.dumps(found))
"""


def test_an_even_model_is_stock_and_opens_without_potstill(saved):
    folders = {name: str(saved["stock", name]) for name in STOCK}
    found = without_potstill(OPEN_STOCK, json.dumps(IDS.tolist()), *folders.values())
    for name, folder in folders.items():
        kind, told = found[folder]
        family = "MobileBert" if name.startswith("mobile") else "Bert"
        assert kind == f"{family}ForSequenceClassification"
        assert read_config(saved["stock", name]).model_type == family.lower()
        assert torch.equal(torch.tensor(told), logits(stock(name, VOCABULARY)))


def test_as_wide_as_its_heads_is_stock_with_fewer_heads():
    config = stock("as wide as its heads", VOCABULARY).config
    assert (config.model_type, config.num_attention_heads, config.hidden_size) == ("bert", 3, 24)
    assert cut_hidden(bert(VOCABULARY), some(32, 24)).config.model_type == MODEL_TYPE  # 4 heads of 8 in a stream of 24


def test_short_means_shorter_than_what_is_traced_with():
    assert shape_of(stock("short", VOCABULARY).config).positions == SHORT < 16
    assert shape_of(mobilebert(VOCABULARY).config).positions == 64
