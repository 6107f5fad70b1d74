"""Scales that no quantiser can compute with are refused by name, wherever a checkpoint is read."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from potstill.encoder.checkpoint import CONFIG, WEIGHTS, is_scale, read_config
from potstill.encoder.quantization import CONFIG_KEY, is_quantized, read_scales
from potstill.errors import InputError

LINEAR = "bert.encoder.layer.0.output.dense"
WORDS = "bert.embeddings.word_embeddings"
NORM = "bert.encoder.layer.0.output.LayerNorm"
TYPES = "bert.embeddings.token_type_embeddings"
KINDS = pytest.mark.parametrize(("kind", "name"), [("float_linears", LINEAR), ("float_embeddings", TYPES)])


def spoilt(name, change):
    return lambda tensors: tensors.update({name: change(tensors[name])})


SPOILT = {
    "negative": (spoilt(f"{LINEAR}.input_scale", torch.neg), "input_scale must be finite float32 above 0"),
    "zero": (spoilt(f"{LINEAR}.input_scale", torch.zeros_like), "input_scale must be finite float32 above 0"),
    "NaN": (spoilt(f"{LINEAR}.input_scale", lambda t: t * torch.nan), "input_scale must be finite float32 above 0"),
    "negative weight's": (spoilt(f"{LINEAR}.weight_scale", torch.neg), "weight_scale must be finite float32 above 0"),
    "infinite": (spoilt(f"{WORDS}.weight_scale", lambda t: t / 0), "weight_scale must be finite float32 above 0"),
    "one for all rows": (spoilt(f"{LINEAR}.weight_scale", lambda t: t[:1]), r"shape \(1,\), wanted is \("),
    "three for one input": (spoilt(f"{LINEAR}.input_scale", lambda t: t.repeat(3)), r"shape \(3,\), wanted is \(\)"),
    "zero point of 300": (spoilt(f"{LINEAR}.input_zero_point", lambda t: t * 0 + 300), r"int32 in \[0, 255\]"),
    "broken zero point": (spoilt(f"{LINEAR}.input_zero_point", lambda t: t + 0.5), r"int32 in \[0, 255\]"),
    "no zero point": (lambda t: t.pop(f"{LINEAR}.input_zero_point"), "input_scale stands without its zero point"),
    "no input scale": (lambda t: t.pop(f"{LINEAR}.input_scale"), "input_zero_point stands without its scale"),
    "no weight scale": (lambda t: t.pop(f"{LINEAR}.weight_scale"), "stands without the weight's scale"),
    "smoothing of another width": (
        lambda t: t.update({f"{LINEAR}.input_smoothing": torch.ones(3)}),
        r"input_smoothing has the shape \(3,\)",
    ),
    "negative smoothing": (
        lambda t: t.update({f"{LINEAR}.input_smoothing": -torch.ones(t[f"{LINEAR}.weight"].shape[1])}),
        "input_smoothing must be finite float32 above 0",
    ),
    "of nothing": (lambda t: t.update({"ghost.weight_scale": torch.ones(3)}), "ghost.weight_scale is of no linear"),
    "of a norm": (
        lambda t: t.update({f"{NORM}.weight_scale": torch.ones(48)}),
        "LayerNorm.weight_scale is of no linear",
    ),
}


@pytest.fixture
def copied(tmp_path, quantized_checkpoint):
    return shutil.copytree(quantized_checkpoint, tmp_path / "copied")


def edit(folder, change):
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def edit_config(folder, change):
    held = json.loads((folder / CONFIG).read_text())
    change(held)
    (folder / CONFIG).write_text(json.dumps(held))


@pytest.mark.parametrize("fault", SPOILT)
def test_spoilt_scales_are_refused_by_name(fault, copied):
    change, why = SPOILT[fault]
    edit(copied, change)
    with pytest.raises(InputError, match=why):
        read_scales(copied)


def test_whole_scales_are_read(copied):
    assert LINEAR in read_scales(copied)


@KINDS
def test_what_has_no_scales_must_be_told(kind, name, copied):
    edit(copied, lambda held: [held.pop(each) for each in list(held) if each.startswith(name) and is_scale(each)])
    with pytest.raises(InputError, match=f"{name} has no scales, but config.json does not tell"):
        read_scales(copied)
    edit_config(copied, lambda held: held[CONFIG_KEY].update({kind: [name]}))
    assert name not in read_scales(copied)


@KINDS
def test_what_is_told_to_be_float_must_have_no_scales(kind, name, copied):
    edit_config(copied, lambda held: held[CONFIG_KEY].update({kind: [name]}))
    with pytest.raises(InputError, match=f"{name} has scales, but config.json tells that it is float"):
        read_scales(copied)


def test_config_and_file_must_agree_that_there_are_scales(copied):
    edit_config(copied, lambda held: held.pop(CONFIG_KEY))
    with pytest.raises(InputError, match="here only the second are there"):
        is_quantized(copied)


def test_scales_that_were_dropped_are_missed(copied):
    edit(copied, lambda tensors: [tensors.pop(name) for name in list(tensors) if name.endswith(("_scale", "_point"))])
    with pytest.raises(InputError, match="here only the first is there"):
        is_quantized(copied)


def test_a_layout_that_is_none_is_refused(copied):
    edit_config(copied, lambda held: held.update({CONFIG_KEY: [1]}))
    with pytest.raises(InputError, match="is not what qat writes"):
        is_quantized(copied)


@pytest.mark.parametrize("text", ["{", "[]", "\udc80"])
def test_a_config_that_is_no_json_object_is_refused(copied, text):
    (copied / CONFIG).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="is not a JSON object"):
        read_config(copied)
