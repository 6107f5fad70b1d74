"""The range audit, against all values of every tensor laid side by side; its file, its picture, its words."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import nn
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

from potstill.data.tokens import from_rows
from potstill.encoder.pruned import PrunedBertConfig
from potstill.encoder.quantization import Scales, input_scale, weight_scale
from potstill.encoder.quantized_linears import FrozenLinear
from potstill.errors import ArtifactError, InputError
from potstill.qat.audit import AUDIT, DRAWING, audit, audit_from, hurting, read_audit, worst_first, write_audit
from potstill.qat.audit.counts import Magnitudes, Steps
from potstill.qat.audit.hurting import complaint
from potstill.qat.audit.plot import draw
from potstill.qat.audit.record import FLOAT16_LIMIT, Audit, AuditedTensor, Thresholds
from potstill.qat.audit.table import HEAD, notes, rows
from potstill.qat.config import QatConfig
from potstill.qat.post_training import calibrated, post_training_scales

SVG = "{http://www.w3.org/2000/svg}"
SIZES = {"vocab_size": 60, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 40}
BERT = {**SIZES, "hidden_size": 32, "intermediate_size": 48, "initializer_range": 0.3}
BOTTLENECK = {"intermediate_size": 24, "intra_bottleneck_size": 16, "true_hidden_size": 16, "initializer_range": 0.3}
CONFIGS = {
    "bert": BertConfig(**BERT),
    "pruned": PrunedBertConfig(**BERT, heads_per_layer=[4, 1], ffn_per_layer=[48, 8]),
    "mobilebert": MobileBertConfig(**SIZES, **BOTTLENECK, hidden_size=32, embedding_size=12),
    "distilbert": DistilBertConfig(vocab_size=60, dim=32, n_layers=2, n_heads=4, hidden_dim=48, initializer_range=0.3),
    "electra": ElectraConfig(**BERT, embedding_size=12),
    "roberta": RobertaConfig(**BERT),
    "albert": AlbertConfig(**BERT, embedding_size=12),
}
QUERY, VALUE, FIRST, SECOND = (
    *("bert.encoder.layer.0.attention.self.query", "bert.encoder.layer.0.attention.self.value"),
    *("bert.encoder.layer.1.intermediate.dense", "bert.encoder.layer.1.output.dense"),
)


def make_table(count=24):
    random = np.random.default_rng(0)
    lengths = [3 + row % 7 for row in range(count)]
    return from_rows([random.integers(5, 60, each).astype(np.int32) for each in lengths], np.zeros(count))


TABLE = make_table()


def make(family="bert"):
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(CONFIGS[family]).eval()


def scales_of(model, **options):
    return post_training_scales(model, calibrated(model, TABLE, QatConfig(**{"method": "static", **options})))


def values_of(model):
    """All values of each tensor by "input of …" and "output of …": each row computed alone, so nothing is padded."""
    found, hooks = {}, []
    for name, module in model.named_modules():

        def look(_module, args, output, name=name):
            for title, x in ((f"input of {name}", args[0] if args else None), (f"output of {name}", output)):
                if isinstance(x, torch.Tensor) and x.is_floating_point():
                    found.setdefault(title, []).append(x.flatten().clone())

        if not list(module.children()):
            hooks.append(module.register_forward_hook(look))
    with torch.inference_mode():
        for row in range(len(TABLE)):
            model(input_ids=torch.from_numpy(TABLE.row(row).astype(np.int64))[None])
    for hook in hooks:
        hook.remove()
    return {title: torch.cat(seen) for title, seen in found.items()}


def slow_steps(values, scales):
    """Where torch's fake quantisation puts each value, and which it has to move to the ends of its range."""
    rounded = torch.fake_quantize_per_tensor_affine(values, scales.input, scales.zero_point, 0, 255)
    steps = torch.round(rounded.double() / scales.input + scales.zero_point).int()
    return steps, (values - rounded).abs() > 0.5001 * scales.input


def titles_of(found):
    return [title for each in found.tensors for title in (each.title, *each.also)]


@pytest.mark.parametrize("family", CONFIGS)
def test_figures_are_those_of_all_values(family):
    model = make(family)
    scales, values = scales_of(model, calibration="percentile", percentile=99), values_of(model)
    found = audit(model, scales, TABLE)
    seen = {title: x for title, x in values.items() if not title.endswith("dropout")}
    assert sorted(titles_of(found)) == sorted(each for each in seen if ".dropout." not in each)
    for each in found.tensors:
        numbers = np.sort(values[each.title].abs().numpy())
        numbers = numbers[numbers > 0]
        assert_close(each.greatest, float(numbers[-1]), rtol=1e-5, atol=0)
        assert each.headroom == FLOAT16_LIMIT / each.greatest
        for quantile, share in ((each.p99, 0.99), (each.p999, 0.999)):
            exact = numbers[int(np.ceil(share * len(numbers))) - 1]
            assert exact * (1 - 1e-5) <= quantile <= exact * (1 + 1 / 128)
        if each.side == "output" or each.name not in scales:
            assert (each.low, each.clipped, each.levels) == (None, None, None)
        else:
            steps, moved = slow_steps(values[each.title], scales[each.name])
            assert_close(each.clipped, float(moved.float().mean()), rtol=0, atol=2 / len(moved))
            assert abs(each.levels - len(steps[values[each.title].abs() <= each.p99].unique())) <= 1
            assert each.low <= 0 <= each.high
    assert any(each.clipped for each in found.tensors)


@pytest.mark.parametrize("family", CONFIGS)
def test_every_linear_that_computes_is_int8_or_float(family):
    model = make(family)
    scales = scales_of(model)
    scales.pop("classifier", None)
    found = audit(model, scales, TABLE)
    called = {title.removeprefix("input of ") for title in values_of(model) if title.startswith("input of ")}
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear) and name in called]
    assert list(found.int8_linears) == [name for name in names if name in scales]
    assert list(found.float_linears) == [name for name in names if name not in scales]
    assert (found.rows, found.split) == (24, "validation")


def test_a_tensor_that_several_modules_read_stands_once():
    model = make()
    found = audit(model, scales_of(model), TABLE)
    first = {each.title: each for each in found.tensors}[f"input of {QUERY}"]
    assert "output of bert.embeddings.LayerNorm" in first.also
    assert f"input of {VALUE}" in first.also
    assert len(titles_of(found)) == len(set(titles_of(found)))
    order = [each.title for each in found.tensors]
    assert (
        order.index("input of bert.embeddings.LayerNorm")
        < order.index(f"input of {QUERY}")
        < order.index(f"input of {SECOND}")
    )


def test_linears_that_read_it_through_other_quantisers_stand_for_themselves():
    model = make()
    scales = scales_of(model)
    scales[VALUE] = replace(scales[VALUE], input=scales[VALUE].input / 3)
    tensors = {each.title: each for each in audit(model, scales, TABLE).tensors}
    one, other = tensors[f"input of {QUERY}"], tensors[f"input of {VALUE}"]
    assert (one.greatest, one.p99) == (other.greatest, other.p99)
    assert one.clipped < other.clipped
    assert other.also == ()


def test_a_smoothed_input_is_measured_after_smoothing():
    model = make()
    scales, values = scales_of(model, smoothing=0.5), values_of(model)
    tensors = {each.title: each for each in audit(model, scales, TABLE).tensors}
    smoothed = values[f"input of {FIRST}"].view(-1, 32) * (1 / scales[FIRST].smoothing)
    assert_close(tensors[f"input of {FIRST}"].greatest, float(smoothed.abs().max()), rtol=1e-5, atol=0)
    before = tensors["output of bert.encoder.layer.1.attention.output.LayerNorm"]
    assert_close(before.greatest, float(values[f"input of {FIRST}"].abs().max()), rtol=1e-5, atol=0)
    assert tensors[f"input of {FIRST}"].clipped == 0


def test_without_standing_ranges_there_is_nothing_to_clip():
    model = make()
    found = audit(model, scales_of(model, method="dynamic"), TABLE)
    assert {(each.low, each.high, each.clipped, each.levels) for each in found.tensors} == {(None,) * 4}
    assert len(found.int8_linears) == 14


def test_the_model_stays_as_it_is():
    model = make().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    one, other = (audit(model, scales_of(model), TABLE) for _ in range(2))
    assert one == other
    assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert not any(module._forward_hooks for module in model.modules())


def test_a_model_that_computes_no_numbers_is_refused():
    model = make()
    scales = scales_of(model)
    with torch.no_grad():
        model.bert.encoder.layer[1].intermediate.dense.bias[3] = torch.nan
    with pytest.raises(InputError, match=rf"the output of {FIRST} becomes nan in float32"):
        audit(model, scales, TABLE)


# ----------------------------------------------------------------------------------------------------- counts


def test_quantiles_leave_zeros_out_and_batches_add_up():
    values = torch.cat([torch.zeros(5000), torch.linspace(0.001, 1, 1000)])[torch.randperm(6000)]
    counts = Magnitudes()
    for part in values.split(700):
        counts.add(-part)
    assert counts.greatest == 1
    assert counts.quantile(0.99) == pytest.approx(0.99, rel=1 / 128)
    assert counts.quantile(0.999) == pytest.approx(0.999, rel=1 / 128)
    nothing = Magnitudes()
    nothing.add(torch.zeros(3, 4))
    assert (nothing.greatest, nothing.quantile(0.99)) == (0, 0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_not_lost(value):
    counts = Magnitudes()
    for part in ([1.0, 2.0], [value, 1.0], [3.0, 4.0]):
        counts.add(torch.tensor(part))
    assert not np.isfinite(counts.greatest)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (-0.17, 6.0), (0.0, 3.0), (-5.0, 0.0)])
def test_what_a_frozen_linear_moves_to_its_ends_is_clipped(low, high):
    scale, zero = input_scale(low, high)
    values = torch.linspace(-8, 8, 4001)
    steps = Steps(scale, zero)
    steps.add(values)
    linear = nn.Linear(1, 1)
    rounded = FrozenLinear(linear, Scales(weight_scale(linear.weight), scale, zero)).rounded(values)
    assert steps.clipped == float(((values - rounded).abs() > 0.5001 * scale).double().mean())
    assert (steps.low, steps.high) == pytest.approx((float(rounded.min()), float(rounded.max())))
    assert steps.used(100.0) == len(rounded.unique())


# ------------------------------------------------------------------------------------------------- what hurts


def tensor(**figures):
    shown = {"greatest": 4.0, "p999": 3.0, "p99": 2.0, "low": -4.0, "high": 4.0, "clipped": 0.0, "levels": 120}
    known = {"name": "dense", "side": "input", "also": (), **shown, **figures}
    return AuditedTensor(**known, headroom=FLOAT16_LIMIT / known["greatest"] if known["greatest"] else None)


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, ""),
        ({"greatest": 0.0, "p999": 0.0, "p99": 0.0, "levels": 1, "low": 0.0, "high": 0.0}, ""),
        (
            {"levels": 9, "p99": 0.2, "greatest": 57.3, "high": 58},
            "99 % of its values use 9 of 256 steps: a few outliers reach 57.3",
        ),
        (
            {"levels": 9, "p99": 0.2, "high": 58},
            "99 % of its values use 9 of 256 steps: its range ends at 58, its values at 4",
        ),
        ({"levels": 16, "p99": 0.2, "high": 58}, ""),
        ({"levels": 2, "p99": 3.9}, ""),  # all alike, as behind a saturated tanh
        ({"clipped": 0.021}, "2.1 % of its values are clipped"),
        ({"clipped": 0.01}, ""),
        ({"greatest": 21340.0}, "its greatest value 21,340 is 3.1 times from float16's limit"),
        ({"greatest": 8188.0}, ""),
        (
            {"greatest": 91300.0, "low": None, "high": None, "clipped": None, "levels": None},
            "its greatest value 91,300 is beyond float16's limit of 65,504: float16 makes it infinite",
        ),
        (
            {"greatest": 21340.0, "clipped": 0.5},
            "its greatest value 21,340 is 3.1 times from float16's limit; 50.0 % of its values are clipped",
        ),
    ],
)
def test_what_hurts_is_said_with_its_figure(figures, said):
    assert complaint(tensor(**figures), Thresholds()) == said


def test_a_healthy_model_hurts_nowhere():
    for family in ("bert", "distilbert", "roberta"):
        model = make(family)
        assert hurting(audit(model, scales_of(model), make_table())) == []


def test_outliers_clipping_and_overflow_are_found_where_they_are():
    """One neuron of 160 far above the rest, a range that is too narrow, and a sum beyond float16."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(BertConfig(**{**BERT, "intermediate_size": 160})).eval()
    first, second = model.bert.encoder.layer
    with torch.no_grad():
        first.intermediate.dense.bias[5] += 3000
        first.output.dense.weight[:, 5] = 0
        second.output.dense.bias[7] = 1e5
    scales = scales_of(model)
    scales[FIRST] = replace(scales[FIRST], input=scales[FIRST].input / 3)
    named = {each.title: each.hurts for each in hurting(audit(model, scales, TABLE))}
    assert "256 steps: a few outliers reach 3" in named["input of bert.encoder.layer.0.output.dense"]
    assert "% of its values are clipped" in named[f"input of {FIRST}"]
    assert "float16 makes it infinite" in named[f"output of {SECOND}"]
    assert "float16 makes it infinite" in named["input of bert.encoder.layer.1.output.LayerNorm"]
    assert next(iter(named)) in (f"output of {SECOND}", "input of bert.encoder.layer.1.output.LayerNorm")
    assert "classifier" not in " ".join(named)


# ------------------------------------------------------------------------------------------- file and picture


@pytest.fixture(scope="module")
def found():
    model = make()
    scales = scales_of(model)
    scales[FIRST] = replace(scales[FIRST], input=scales[FIRST].input / 3)
    del scales["classifier"]
    return audit(model, scales, TABLE)


def many(found, count):
    """An audit of so many tensors, each a little worse than the one before."""
    without = dict.fromkeys(("low", "high", "clipped", "levels"))
    tensors = [
        tensor(name=f"bert.encoder.layer.{each}.dense", greatest=10.0 + each, **without) for each in range(count)
    ]
    return replace(found, tensors=tuple(tensors))


def test_an_audit_comes_back_as_it_was_and_gives_the_same_bytes(found, tmp_path):
    (tmp_path / "again").mkdir()
    assert read_audit(tmp_path) is None
    write_audit(tmp_path, found)
    assert read_audit(tmp_path) == found == audit_from(asdict(found))
    write_audit(tmp_path / "again", read_audit(tmp_path))
    for file in (AUDIT, DRAWING):
        assert (tmp_path / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    written = json.loads((tmp_path / AUDIT).read_text())
    assert list(written) == sorted(written)
    assert written["float_linears"] == ["classifier"]
    assert written["thresholds"] == {"levels": 16, "clipped": 0.01, "headroom": 8.0}


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        '{"tensors": []}',
        lambda value: value | {"strange": 1},
        lambda value: value | {"rows": "many"},
        lambda value: value | {"tensors": [{**value["tensors"][0], "side": "inside"}]},
        lambda value: value | {"tensors": [{**value["tensors"][0], "greatest": None}]},
        lambda value: value | {"thresholds": {"levels": 16}} | {"split": 3},
    ],
)
def test_what_is_no_audit_is_refused(found, tmp_path, broken):
    text = broken if isinstance(broken, str) else json.dumps(broken(asdict(found)))
    (tmp_path / AUDIT).write_text(text)
    wanted = r"range_audit.json is not the range audit of a quantised model; make it again by qat"
    with pytest.raises(ArtifactError, match=wanted) as refused:
        read_audit(tmp_path)
    assert "\n" not in str(refused.value)


def texts_of(drawing):
    return ["".join(each.itertext()) for each in ET.fromstring(drawing).iter(f"{SVG}text")]


def test_the_picture_has_a_row_for_each_tensor(found):
    texts = texts_of(draw(found))
    assert "|x|, 24 validation rows (log)" in texts
    names = [text for text in texts if text.endswith((", in", ", out"))]
    assert len(names) == len(found.tensors)
    assert {"layer.0.attention.self.query, in", "layer.1.output.LayerNorm, in", "classifier, out"} <= set(names)
    levels = {each.name: each.levels for each in found.tensors if each.levels}
    assert all(f"{each}" in texts for each in levels.values())
    assert "float16's limit" in texts
    assert "1/8 of it" in texts


def test_of_many_tensors_the_worst_are_shown_in_the_models_order(found):
    names = [text for text in texts_of(draw(many(found, 60))) if text.endswith(", in")]
    assert names == [f"layer.{each}.dense, in" for each in range(20, 60)]
    assert any("the worst 40 of 60 tensors" in text for text in texts_of(draw(many(found, 60))))
    assert [each.name for each in worst_first(many(found, 3))] == [
        f"bert.encoder.layer.{each}.dense" for each in (2, 1, 0)
    ]


def test_what_hurts_has_a_colour_of_its_own(found):
    def red(drawing):
        return drawing.count("#d05a4e")

    [one] = hurting(found)
    healed = replace(found, tensors=tuple(replace(each, hurts="") for each in found.tensors))
    assert red(draw(found)) > red(draw(healed)) > 0  # the legend
    assert one.name == FIRST


def test_strange_figures_can_be_drawn(found):
    dead = tensor(greatest=0.0, p999=0.0, p99=0.0, low=0.0, high=0.0, levels=1)
    for tensors in (
        [dead],
        [tensor(greatest=3e9, p999=2e9, p99=1e-9)],
        [dead, tensor(low=None, high=None, levels=None)],
    ):
        assert draw(replace(found, tensors=tuple(tensors))).startswith("<svg")


def test_the_picture_has_the_same_bytes_in_another_process(found, tmp_path):
    write_audit(tmp_path, found)
    code = (
        "import sys; from pathlib import Path; from potstill.qat.audit import read_audit; "
        "from potstill.qat.audit.plot import draw; print(draw(read_audit(Path(sys.argv[1]))), end='')"
    )
    again = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert again.stdout == draw(found)


def test_an_audit_is_read_without_torch_and_without_matplotlib():
    code = (
        "import sys; from potstill.qat.audit import read_audit; import potstill.qat.audit.table; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_picture_alone_brings_its_own_ink_for_light_and_dark(found, tmp_path):
    write_audit(tmp_path, found)
    text = (tmp_path / DRAWING).read_text(encoding="utf-8")
    assert texts_of(text) == texts_of(draw(found))
    assert "prefers-color-scheme: dark" in text
    assert "currentColor" in text
    assert "#010203" not in text


def test_the_table_names_what_hurts(found):
    [cells] = [dict(zip(HEAD, row, strict=True)) for row in rows(found)]
    assert cells["tensor"] == f"input of {FIRST}"
    assert float(cells["clipped %"]) > 1
    assert "are clipped" in cells["what hurts"]
    assert "24 validation rows" in notes(found)[0]
    worse = many(found, 30)
    worse = replace(worse, tensors=tuple(replace(each, hurts="it is long") for each in worse.tensors))
    assert len(rows(worse)) == 20
    assert "The worst 20 of 30 are in the table." in notes(worse)[-1]
    assert isinstance(worse, Audit)
