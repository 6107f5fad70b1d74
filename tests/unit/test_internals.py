"""What hooks see inside a model is what the model itself tells: every family, fused attention and eager."""

import pytest
import torch
from torch.testing import assert_close
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    MobileBertConfig,
    RobertaConfig,
)

from potstill.encoder.checkpoint import EAGER_ONLY
from potstill.encoder.pruned import PrunedBertConfig
from potstill.training.internals import run_with_internals

LAYERS, ROWS, TOKENS, HIDDEN = 3, 4, 9, 32
SIZES = {"vocab_size": 60, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "max_position_embeddings": 40}
BERT = {**SIZES, "hidden_size": HIDDEN, "intermediate_size": 48, "initializer_range": 0.3}
BOTTLENECK = {"intermediate_size": 24, "intra_bottleneck_size": 16, "true_hidden_size": 16}
CONFIGS = {
    "bert": BertConfig(**BERT),
    "roberta": RobertaConfig(**BERT),
    "albert": AlbertConfig(**BERT, embedding_size=12),
    "electra": ElectraConfig(**BERT, embedding_size=12),
    "distilbert": DistilBertConfig(
        vocab_size=60, dim=HIDDEN, n_layers=LAYERS, n_heads=4, hidden_dim=48, initializer_range=0.3
    ),
    "mobilebert": MobileBertConfig(**SIZES, **BOTTLENECK, hidden_size=HIDDEN, embedding_size=12, initializer_range=0.3),
    "pruned": PrunedBertConfig(**BERT, heads_per_layer=[4, 1, 3], ffn_per_layer=[48, 8, 20]),
}
WIDTHS = {"mobilebert": [16] * LAYERS, "pruned": [32, 8, 24]}
CASES = [(family, "eager") for family in CONFIGS]
CASES += [(family, "sdpa") for family in CONFIGS if family not in EAGER_ONLY]


@pytest.fixture
def inputs():
    dice = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 60, (ROWS, TOKENS), generator=dice)
    return ids, (torch.arange(TOKENS) < torch.tensor([9, 5, 7, 2])[:, None]).long()


def make(family, attention):
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(CONFIGS[family], attn_implementation=attention).eval()


def hooks_of(model):
    return sum(len(module._forward_hooks) for module in model.modules())


@pytest.mark.parametrize(("family", "attention"), CASES)
def test_internals_are_what_the_model_tells(family, attention, inputs):
    ids, mask = inputs
    told = make(family, "eager")(ids, attention_mask=mask, output_attentions=True, output_hidden_states=True)
    model = make(family, attention)
    before = hooks_of(model)
    seen = run_with_internals(model, ids, mask)
    assert hooks_of(model) == before
    assert_close(seen.logits, told.logits, rtol=0, atol=1e-5)
    assert len(seen.hidden) == LAYERS + 1
    real = mask.bool()
    for ours, theirs in zip(seen.hidden, told.hidden_states, strict=True):
        assert ours.shape == (ROWS, TOKENS, HIDDEN)
        assert_close(ours[real], theirs[real], rtol=0, atol=1e-5)
    for states in (seen.queries, seen.keys, seen.values):
        assert [each.shape[-1] for each in states] == WIDTHS.get(family, [HIDDEN] * LAYERS)
    for layer, wanted in enumerate(told.attentions):
        query, key = (
            each[layer].unflatten(-1, (seen.heads[layer], -1)).transpose(1, 2) for each in (seen.queries, seen.keys)
        )
        scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
        chances = scores.masked_fill(mask[:, None, None] == 0, -torch.inf).softmax(-1)
        assert chances.shape == wanted.shape
        assert_close(chances, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "pruned"])
def test_values_are_the_projection_of_the_layer_below(family, inputs):
    model = make(family, "eager")
    seen = run_with_internals(model, *inputs)
    for layer, module in enumerate(model.base_model.encoder.layer):
        assert_close(seen.values[layer], module.attention.self.value(seen.hidden[layer]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", CONFIGS)
def test_gradients_flow_through_what_is_seen(family, inputs):
    model = make(family, "eager")
    seen = run_with_internals(model, *inputs)
    for states in (seen.queries, seen.keys, seen.values, seen.hidden):
        model.zero_grad()
        torch.stack([each.square().mean() for each in states]).sum().backward(retain_graph=True)
        assert model.get_input_embeddings().weight.grad.abs().sum() > 0
    with torch.no_grad():
        assert not run_with_internals(model, *inputs).queries[0].requires_grad


def test_hooks_are_gone_when_the_model_raises(inputs):
    model = make("bert", "sdpa")
    with pytest.raises(IndexError):
        run_with_internals(model, inputs[0] + 60, inputs[1])
    assert hooks_of(model) == 0
