"""Every way to int8 scales, on a 2-layer BERT and sixty-four sentences."""

import json
import operator
import shutil

import pytest
import torch

from potstill.artifacts import CHECKPOINT, TOKENS, expect, seal
from potstill.data.tokens import TEST, TRAIN, UNLABELLED, VALIDATION, read_split, split_path
from potstill.encoder.checkpoint import load_classifier, read_config, read_tensors
from potstill.encoder.quantization import CONFIG_KEY, has_input_scales, read_scales
from potstill.encoder.quantized_linears import load_quantized
from potstill.errors import InputError, OptionError
from potstill.measure.torch_session import predict_torch
from potstill.qat import QatConfig, quantize_checkpoint
from potstill.qat.audit import AUDIT, DRAWING
from potstill.qat.sensitivity import SENSITIVITY, read_sensitivity
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.training.scoring import accuracy
from tests.conftest import LABELS, MAKER, OPEN, make_tokens

FAST = {"threads": 1, "batch_size": 16, "calibration_rows": 32}
WAYS = {
    "dynamic": {"method": "dynamic"},
    "minmax": {"method": "static"},
    "percentile": {"method": "static", "calibration": "percentile", "percentile": 99.9},
    "entropy": {"method": "static", "calibration": "entropy"},
    "smoothed": {"method": "static", "smoothing": 0.5},
    "qat": {"method": "qat", "epochs": 3},
    "qat learned": {"method": "qat", "epochs": 3, "ranges": "learned", "calibration": "percentile", "smoothing": 0.5},
}
QUERY = "bert.encoder.layer.0.attention.self.query"
TYPES = "bert.embeddings.token_type_embeddings"


@pytest.fixture(scope="module")
def model(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("float") / "out"
    config = TeacherTrainConfig(epochs=6, learning_rate=3e-3, threads=1, dtype="float32", batch_size=16)
    assert train_teacher(tiny_tokens, tiny_checkpoint, folder, config)["validation_accuracy"] > 0.9
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory, model, tiny_tokens):
    folders = {}
    for way, options in WAYS.items():
        folders[way] = tmp_path_factory.mktemp("quantized") / "out"
        quantize_checkpoint(model, tiny_tokens, folders[way], QatConfig(**options, **FAST))
    return folders


@pytest.mark.parametrize("way", WAYS)
def test_what_is_saved_is_what_was_judged(way, made, tiny_tokens):
    judged = expect(made[way], CHECKPOINT).meaning["validation_accuracy"]
    assert accuracy(load_quantized(made[way]), read_split(tiny_tokens, VALIDATION)) == judged


@pytest.mark.parametrize("way", WAYS)
def test_linears_and_tables_of_many_rows_have_scales_of_their_kind(way, made):
    scales = read_scales(made[way])
    assert len(scales) == 2 * 6 + 2 + 2  # layers, pooler and classifier, words and positions
    assert has_input_scales(made[way]) == (way != "dynamic")
    assert (scales[QUERY].input is None) == (way == "dynamic")
    assert (scales[QUERY].smoothing is not None) == (way in ("smoothed", "qat learned"))
    assert getattr(read_config(made[way]), CONFIG_KEY)["method"] == WAYS[way]["method"]


@pytest.mark.parametrize("way", WAYS)
def test_token_types_stay_float_and_are_told(way, made):
    layout = getattr(read_config(made[way]), CONFIG_KEY)
    assert (layout["float_linears"], layout["float_embeddings"]) == ([], [TYPES])
    assert [name for name in read_tensors(made[way]) if name.startswith(TYPES)] == [f"{TYPES}.weight"]
    table = load_quantized(made[way]).get_submodule(TYPES).weight
    assert torch.equal(table, read_tensors(made[way])[f"{TYPES}.weight"])


@pytest.mark.parametrize("way", WAYS)
def test_without_training_the_float_model_is_the_one_that_came(way, made, model, tiny_tokens):
    table = read_split(tiny_tokens, TEST)
    same = (predict_torch(load_classifier(made[way]), table) == predict_torch(load_classifier(model), table)).all()
    training = expect(made[way], CHECKPOINT).meaning.get("training", {"better": False})
    assert same != training["better"]


def test_calibrations_give_different_ranges(made):
    ways = ("minmax", "percentile", "entropy")
    widths = {way: [each.input for each in read_scales(made[way]).values() if each.input] for way in ways}
    assert all(map(operator.lt, widths["percentile"], widths["minmax"]))
    assert any(map(operator.lt, widths["entropy"], widths["minmax"]))
    assert widths["entropy"] != widths["percentile"]


@pytest.mark.parametrize("way", WAYS)
def test_the_audit_lies_in_the_artifact(way, made):
    held = json.loads((made[way] / AUDIT).read_text())
    assert QUERY in {each["name"] for each in held["tensors"]}
    assert "</svg>" in (made[way] / DRAWING).read_text()
    assert {AUDIT, DRAWING} <= {file.path for file in expect(made[way], CHECKPOINT).files}


@pytest.mark.parametrize("way", ["smoothed", "qat learned"])
def test_the_same_bytes_again(way, made, model, tiny_tokens, tmp_path):
    quantize_checkpoint(model, tiny_tokens, tmp_path / "again", QatConfig(**WAYS[way], **FAST))
    assert expect(tmp_path / "again", CHECKPOINT).digest == expect(made[way], CHECKPOINT).digest


def test_a_floor_measures_what_each_linear_costs(model, tiny_tokens, tmp_path):
    config = QatConfig(method="static", max_accuracy_drop=90, **FAST)
    measures = quantize_checkpoint(model, tiny_tokens, tmp_path / "out", config)
    assert (measures["int8_linears"], measures["float_linears"]) == (14, 0)
    found = read_sensitivity(tmp_path / "out")
    linears = {name for name, each in read_scales(tmp_path / "out").items() if each.input}
    assert {each.linear for each in found.costs} == linears


def test_an_outlier_linear_stays_float_for_the_floor(model, tiny_tokens, tmp_path, monkeypatch):
    """A range that holds one value in a thousand of what comes ruins the model; the floor puts that linear aside."""
    from potstill.qat import post_training

    chosen = "bert.encoder.layer.1.output.dense"
    honest = post_training.calibrate
    seen = []

    def spoilt(how, each, percentile):
        seen.append(each)
        return (-4e3, 4e3) if len(seen) == 12 else honest(how, each, percentile)

    monkeypatch.setattr(post_training, "calibrate", spoilt)
    config = QatConfig(method="static", max_accuracy_drop=25, **FAST)
    measures = quantize_checkpoint(model, tiny_tokens, tmp_path / "out", config)
    assert expect(tmp_path / "out", CHECKPOINT).meaning["float_linears"] == [chosen]
    assert chosen not in read_scales(tmp_path / "out")
    assert measures["lost_at_most"] <= 25
    assert (tmp_path / "out" / SENSITIVITY).is_file()


def test_training_that_makes_it_worse_is_thrown_away(model, tiny_tokens, tmp_path, made, capsys):
    config = QatConfig(learning_rate=1.0, max_grad_norm=1e3, **FAST)
    quantize_checkpoint(model, tiny_tokens, tmp_path / "out", config)
    assert "calibration alone is kept" in capsys.readouterr().err
    kept, calibrated = read_tensors(tmp_path / "out"), read_tensors(made["minmax"])
    assert all(torch.equal(kept[name], tensor) for name, tensor in calibrated.items())


def test_too_few_rows_for_a_floor_are_refused_before_any_work(model, tiny_tokens, tmp_path):
    with pytest.raises(OptionError, match="validation rows cannot show"):
        quantize_checkpoint(model, tiny_tokens, tmp_path / "out", QatConfig(max_accuracy_drop=0.1, **FAST))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"method": "ptq"}, "method must be one of qat, static, dynamic"),
        ({"calibration": "max"}, "calibration must be one of minmax, percentile, entropy"),
        ({"ranges": "lsq"}, "ranges must be one of ema, learned"),
        ({"method": "dynamic", "smoothing": 0.5}, "smoothing is for ranges that stand"),
        ({"smoothing": 1.5}, "smoothing should be less than or equal to 1"),
        ({"percentile": 101.0}, "percentile should be less than or equal to 100"),
        ({"method": "static", "ranges": "learned"}, "ranges are learned by method qat alone"),
        ({"percentile": 99.0}, "percentile is for calibration percentile"),
        ({"epochs": 0}, "epochs should be greater than or equal to 1"),
    ],
)
def test_nonsense_is_refused(options, why):
    with pytest.raises(OptionError, match=why):
        QatConfig(**options)


def test_a_quantised_model_is_not_quantised_again(made, tiny_tokens, tmp_path):
    with pytest.raises(InputError, match="has int8 scales already"):
        quantize_checkpoint(made["dynamic"], tiny_tokens, tmp_path / "out", QatConfig(method="dynamic", **FAST))


def relabelled(folder, out, labels):
    """Seal the same classifier for other labels."""
    shutil.copytree(folder, out)
    held = expect(folder, CHECKPOINT)
    (out / "artifact.json").unlink()
    return seal(out, CHECKPOINT, MAKER, {}, {**held.meaning, "labels": labels}, OPEN).path


@pytest.mark.parametrize("role", ["student", "teacher"])
def test_a_model_of_other_labels_is_refused(role, model, tiny_tokens, tmp_path):
    other = relabelled(model, tmp_path / "other", LABELS[::-1])
    student, teacher = (other, None) if role == "student" else (model, other)
    with pytest.raises(InputError, match="knows the labels"):
        quantize_checkpoint(student, tiny_tokens, tmp_path / "out", QatConfig(**FAST), teacher)
    assert not (tmp_path / "out").exists()


def test_a_quantised_teacher_is_refused(made, model, tiny_tokens, tmp_path):
    with pytest.raises(InputError, match="has int8 scales already"):
        quantize_checkpoint(model, tiny_tokens, tmp_path / "out", QatConfig(**FAST), made["minmax"])


def test_rows_to_learn_are_missed_only_where_they_are_read(model, tokenizer_folder, tmp_path):
    make_tokens(tmp_path / "tokens", tokenizer_folder)
    held = expect(tmp_path / "tokens", TOKENS)
    for split in (TRAIN, UNLABELLED):
        split_path(tmp_path / "tokens", split).unlink(missing_ok=True)
    seal(tmp_path / "tokens", TOKENS, MAKER, {}, held.meaning, OPEN)
    with pytest.raises(InputError, match="has no rows to learn from"):
        quantize_checkpoint(model, tmp_path / "tokens", tmp_path / "out", QatConfig(method="static", **FAST))
    quantize_checkpoint(model, tmp_path / "tokens", tmp_path / "out", QatConfig(method="dynamic", **FAST))
