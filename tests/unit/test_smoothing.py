"""SmoothQuant's factors: the function stays, outlying channels do not."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from transformers import BertConfig, BertForSequenceClassification

from potstill.data.tokens import from_rows
from potstill.encoder.quantization import UINT8, input_scale, snap, weight_scale
from potstill.qat.ranges import collect, linears
from potstill.qat.smoothing import LIMITS, smoothing_factors

ALPHAS = [0.0, 0.3, 0.5, 1.0]
LAYER = "bert.encoder.layer.0"
QUERY, KEY, VALUE = (f"{LAYER}.attention.self.{name}" for name in ("query", "key", "value"))
OUTLIER = 5  # a channel
RANDOM = np.random.default_rng(0)
TABLE = from_rows([RANDOM.integers(5, 40, 3 + row % 5).astype(np.int32) for row in range(13)], np.zeros(13))


@pytest.fixture(scope="module")
def model():
    """A BERT with one channel of the embeddings far larger than the rest, one always 0, and one that none reads."""
    torch.manual_seed(0)
    shape = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = BertConfig(**shape, intermediate_size=12, initializer_range=0.3, max_position_embeddings=16)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        norm = model.bert.embeddings.LayerNorm
        norm.weight[OUTLIER] = 60.0
        norm.weight[2] = norm.bias[2] = 0.0
        for name in (QUERY, KEY, VALUE):
            model.get_submodule(name).weight[:, 3] = 0.0
    return model


@pytest.fixture(scope="module")
def seen(model):
    return collect(model, TABLE)


@pytest.fixture(scope="module")
def hidden(model):
    """What the first layer's query, key and value read: (values, in)."""
    found = []
    hook = model.get_submodule(QUERY).register_forward_hook(lambda _m, args, _o: found.append(args[0].flatten(0, 1)))
    for row in range(13):
        with torch.no_grad():
            model(input_ids=torch.from_numpy(TABLE.row(row).astype(np.int64))[None])
    hook.remove()
    return torch.cat(found)


def slow_factor(channel, columns, alpha):
    """Equation 4 of one channel; columns: every weight that is multiplied with it."""
    largest = max(abs(each) for each in columns)
    if channel == 0:
        return 1.0
    if largest == 0 and alpha < 1:
        return LIMITS[1]
    return min(max(channel**alpha / largest ** (1 - alpha), LIMITS[0]), LIMITS[1])


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_factors_are_equation_4_channel_by_channel(model, seen, alpha):
    found = smoothing_factors(model, seen, alpha)
    assert found.keys() == seen.keys() == linears(model).keys()
    groups = {name: [name] for name in found}
    for number in range(2):
        together = [f"bert.encoder.layer.{number}.attention.self.{name}" for name in ("query", "key", "value")]
        groups |= dict.fromkeys(together, together)
    for name, readers in groups.items():
        weights = torch.cat([model.get_submodule(each).weight.detach() for each in readers])
        channels = seen[name].channels.tolist()
        slow = [slow_factor(each, weights[:, number].tolist(), alpha) for number, each in enumerate(channels)]
        assert_close(found[name], torch.tensor(slow))
        assert not found[name].requires_grad


@pytest.mark.parametrize("alpha", ALPHAS)
def test_they_are_finite_above_0_and_1_where_nothing_is_known(model, seen, alpha):
    for name, factors in smoothing_factors(model, seen, alpha).items():
        assert factors.shape == (model.get_submodule(name).in_features,)
        assert ((factors >= LIMITS[0]) & (factors <= LIMITS[1])).all()
        assert (factors.half().isfinite() & (1 / factors).half().isfinite()).all()
    assert smoothing_factors(model, seen, alpha)[QUERY][2] == 1


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_function_stays(model, seen, hidden, alpha):
    for name in (QUERY, KEY, VALUE):
        weight, factors = model.get_submodule(name).weight.detach(), smoothing_factors(model, seen, alpha)[name]
        assert_close((hidden / factors) @ (weight * factors).T, hidden @ weight.T, rtol=1e-4, atol=1e-4)


def test_what_reads_one_tensor_shares_the_factors_and_others_do_not(model, seen):
    found = smoothing_factors(model, seen, 0.5)
    assert found[QUERY] is found[KEY] is found[VALUE]
    assert found[QUERY] is not found[QUERY.replace("layer.0", "layer.1")]
    assert len({id(each) for each in found.values()}) == len(found) - 4


def test_alpha_0_levels_the_weight_and_alpha_1_the_input(model, seen):
    known = torch.tensor([channel for channel in range(16) if channel not in (2, 3)])
    weights = torch.cat([model.get_submodule(name).weight.detach() for name in (QUERY, KEY, VALUE)])
    levelled = (weights * smoothing_factors(model, seen, 0.0)[QUERY]).abs().amax(0)[known]
    assert_close(levelled, torch.ones(14))
    after = collect(model, TABLE, smoothing_factors(model, seen, 1.0))[QUERY].channels[known]
    assert_close(after, torch.ones(14))


def test_an_outlying_channel_no_longer_widens_the_range_and_int8_loses_less(model, seen, hidden):
    factors = smoothing_factors(model, seen, 0.5)
    after = collect(model, TABLE, factors)
    assert seen[QUERY].channels.argmax() == OUTLIER
    assert after[QUERY].high - after[QUERY].low < (seen[QUERY].high - seen[QUERY].low) / 5

    def off(statistics, divisor):
        weight = model.get_submodule(QUERY).weight.detach()
        moved = snap(weight * divisor, weight_scale(weight * divisor))
        scale, zero = input_scale(statistics.low, statistics.high)
        rounded = torch.fake_quantize_per_tensor_affine(hidden / divisor, scale, zero, *UINT8)
        return (rounded @ moved.T - hidden @ weight.T).square().mean().sqrt()

    assert off(after[QUERY], factors[QUERY]) < off(seen[QUERY], torch.ones(16)) / 2
