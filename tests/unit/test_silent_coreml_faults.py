"""Faults of Core ML exports that pass in silence elsewhere: each is made to happen here, and does not pass."""

import logging
import re
from pathlib import Path

import coremltools as ct
import coremltools.optimize.coreml as cto
import numpy as np
import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    MobileBertConfig,
    MobileBertForSequenceClassification,
)

from potstill.artifacts import CHECKPOINT, seal
from potstill.coreml import Program, load
from potstill.coreml.lengths import read_lengths
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.coreml_export.compression.plan import plan
from potstill.coreml_export.compression.readback import require_compressed
from potstill.coreml_export.files.same_bytes import save
from potstill.coreml_export.graphs.channels_first import ChannelsFirstClassifier
from potstill.coreml_export.graphs.classifier import TracedClassifier, input_names
from potstill.coreml_export.graphs.conversion import Wish, convert
from potstill.coreml_export.graphs.noise import without_noise
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.encoder.int8_weights import int8_weights
from potstill.encoder.quantization import Scales, to_int8, weight_scale
from potstill.errors import OptionError, ParityError
from potstill.output_folder import creating
from tests.conftest import LABELS, MAKER, OPEN
from tests.coremltools_alone import compress, convert_whole, saved

LENGTH = 12
NAMES = ("bert.encoder.layer.0.attention.self.query", "bert.pooler.dense", "classifier")
BERT = {"vocab_size": 60, "num_hidden_layers": 1, "num_attention_heads": 4, "max_position_embeddings": 40}
Int8 = cto.OpLinearQuantizerConfig


def a_bert(hidden: int = 40, neurons: int = 72) -> BertForSequenceClassification:
    """A random classifier whose widths no block and no group of 32 divides."""
    torch.manual_seed(0)
    config = BertConfig(**BERT, hidden_size=hidden, intermediate_size=neurons, initializer_range=0.2)
    config._attn_implementation = "eager"
    return BertForSequenceClassification(config).eval()


def ours(model: nn.Module, folder: Path, target: str = "iOS16", layout: type = TracedClassifier, **more) -> Program:
    """The package that coreml-export makes of a model."""
    wish = Wish("asked", input_names(model), LABELS, read_lengths(str(LENGTH)), target, **more)
    save(convert(layout(model, LENGTH), wish), folder, {})
    return load(folder)


def asked(name: str, model: nn.Module, **config):
    """The compressed weights of a format, as coreml-export plans them; the model's weights move to them."""
    scales = config.pop("scales", {})
    return plan(name, model, scales, LENGTH, CoremlExportConfig(formats=name, target="iOS18", **config))


def a_text(program: Program, tokens: int = 7) -> dict[str, np.ndarray]:
    """A padded text, for the inputs that a package has."""
    ids = np.zeros((1, LENGTH), np.int32)
    ids[0, :tokens] = np.arange(5, 5 + tokens)
    given = {"input_ids": ids, "attention_mask": (ids > 0).astype(np.int32), "token_type_ids": ids * 0}
    return {name: given[name] for name in program.inputs}


def the_only(program: Program) -> np.ndarray:
    return program.predict(a_text(program))[program.outputs[0]]


def answer(model: nn.Module, tokens: int = 7) -> np.ndarray:
    """PyTorch's logits for the same text."""
    ids = torch.zeros((1, LENGTH), dtype=torch.int64)
    ids[0, :tokens] = torch.arange(5, 5 + tokens)
    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=(ids > 0).long()).logits.numpy()


def whole(tmp_path: Path, model: nn.Module, name: str = "alone", **options) -> Program:
    return saved(convert_whole(model, LENGTH, **options), tmp_path / f"{name}.mlpackage")


# -------------------------------------------------------------------- numbers that float16 cannot hold


def test_the_mask_of_transformers_is_nan_in_float16(tmp_path):
    torch.manual_seed(0)  # ELECTRA and MobileBERT have no other attention than eager, which adds the mask
    model = ElectraForSequenceClassification(ElectraConfig(**BERT, hidden_size=40, embedding_size=40)).eval()
    assert np.isnan(the_only(whole(tmp_path, model))).all()
    found = ours(model, tmp_path / "ours.mlpackage")
    np.testing.assert_allclose(found.predict(a_text(found))["logits"], answer(model), atol=0.01)


def make_loud(folder: Path, tokens: Path) -> Path:
    """A checkpoint whose second FFN has neurons beyond 65,504, which the norm behind it makes small again."""
    from tests.coreml_families import make_family

    quiet = make_family(folder / "quiet", tokens, "bert")
    model = load_classifier(quiet)
    with torch.no_grad():
        model.bert.encoder.layer[1].intermediate.dense.weight.mul_(1e5)
        model.bert.encoder.layer[1].output.dense.weight.mul_(1e-5)
    with creating(folder / "loud", CHECKPOINT):
        save_checkpoint(model, quiet, folder / "loud")
        return seal(folder / "loud", CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN).path


def test_a_value_that_float16_cannot_hold_is_computed_in_float32(tmp_path, tiny_tokens):
    loud = make_loud(tmp_path, tiny_tokens)
    model = load_classifier(loud, attention="eager")
    alone = ours(model, tmp_path / "alone.mlpackage").predict
    program = load(tmp_path / "alone.mlpackage")
    assert not np.isfinite(alone(a_text(program))["logits"]).all()
    config = CoremlExportConfig(formats="fp16", parity_rows=8)
    measures = export_coreml(loud, tiny_tokens, tmp_path / "package", config)
    assert measures["fp16_kept_float32"] >= 1
    assert measures["fp16_max_abs_logit"] < 0.05


def test_integers_are_divided_in_float16_and_a_classifier_divides_none(tmp_path):
    class Halve(nn.Module):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return torch.div(ids, 2, rounding_mode="floor")

    with without_noise():
        traced = torch.jit.trace(Halve().eval(), (torch.ones((1, 2), dtype=torch.int32),))
        given, wanted = [ct.TensorType("ids", (1, 2), np.int32)], [ct.TensorType("halves")]
        halved = ct.convert(traced, inputs=given, outputs=wanted, minimum_deployment_target=ct.target.iOS16)
    program = saved(halved, tmp_path / "halve.mlpackage")
    found = program.predict({"ids": np.array([[4098, 356552]], np.int32)})["halves"]
    assert found.tolist() != [[2049, 178276]]
    block = ours(a_bert(), tmp_path / "ours.mlpackage").package.block
    assert not {each.type for each in block.operations} & {"floor_div", "mod", "cumsum", "real_div"}


# -------------------------------------------------------------------- weights that stay as they were


def test_blocks_that_do_not_divide_the_width_leave_every_weight_float16(tmp_path, caplog):
    model = a_bert()
    settings = Int8(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=0)
    alone = compress(convert_whole(model, LENGTH, "iOS18"), cto.linear_quantize_weights, settings)
    program = saved(alone, tmp_path / "alone.mlpackage")
    assert "Skipped this op" in caplog.text  # and that is all
    assert not any(each.operators for each in program.weights)
    forms = asked("int4", model, block_size=32)
    with pytest.raises(ParityError, match=rf"{len(forms)} of {len(forms)} weights are not compressed as asked"):
        require_compressed(program, forms, modern=True)
    mine = ours(model, tmp_path / "ours.mlpackage", "iOS18", forms=forms)
    assert require_compressed(mine, forms, modern=True) == len(forms)


def test_groups_that_do_not_divide_the_rows_leave_every_weight_float16(tmp_path, caplog):
    model = a_bert()
    settings = cto.OpPalettizerConfig(
        mode="uniform", nbits=4, granularity="per_grouped_channel", group_size=32, weight_threshold=0
    )
    alone = compress(convert_whole(model, LENGTH, "iOS18"), cto.palettize_weights, settings)
    program = saved(alone, tmp_path / "alone.mlpackage")
    assert "Skipped this op" in caplog.text  # and that is all
    assert not any(each.operators for each in program.weights)
    forms = asked("palette4", model, group_size=32)
    mine = ours(model, tmp_path / "ours.mlpackage", "iOS18", forms=forms)
    assert require_compressed(mine, forms, modern=True) == len(forms)


def test_small_weights_are_left_out_without_a_word(tmp_path, caplog):
    model = a_bert()
    alone = compress(convert_whole(model, LENGTH), cto.linear_quantize_weights, Int8(mode="linear_symmetric"))
    program = saved(alone, tmp_path / "alone.mlpackage")
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert 0 < sum(bool(each.operators) for each in program.weights) < len(int8_weights(model, {}))
    forms = asked("int8", model)
    with pytest.raises(ParityError, match=r"not compressed as asked: .*bert\.pooler\.dense, classifier"):
        require_compressed(program, forms, modern=False)
    mine = ours(model, tmp_path / "ours.mlpackage", forms=forms)
    assert require_compressed(mine, forms, modern=False) == len(forms)


def test_scales_that_qat_learned_are_thrown_away(tmp_path):
    model = a_bert()
    learned = {name: Scales(weight_scale(model.get_parameter(f"{name}.weight")) * 0.75) for name in NAMES}
    wanted = {name: to_int8(model.get_parameter(f"{name}.weight").data, each.weight) for name, each in learned.items()}
    forms = asked("int8", model, scales=learned)
    settings = Int8(mode="linear_symmetric", weight_threshold=0)
    alone = compress(convert_whole(model, LENGTH), cto.linear_quantize_weights, settings)
    program = saved(alone, tmp_path / "alone.mlpackage")
    mine = ours(model, tmp_path / "ours.mlpackage", forms=forms)
    for data in wanted.values():
        assert not any(holds(each, data) for each in program.weights)
        assert any(holds(each, data) for each in mine.weights)
    with pytest.raises(ParityError, match="3 of 3 weights are not compressed as asked"):
        require_compressed(program, forms, modern=False)


def holds(weight, data: torch.Tensor) -> bool:
    """Whether a weight lies in the file as these int8 values."""
    kept = weight.parts.get("quantized_data") if weight.operators else None
    return isinstance(kept, torch.Tensor) and torch.equal(kept.short(), data.short())


# -------------------------------------------------------------------- what a phone and a reviewer get


def test_compressing_raises_the_oldest_system_without_a_word():
    alone = convert_whole(a_bert(), LENGTH, "iOS15")
    assert alone.get_spec().specificationVersion == ct.target.iOS15
    compressed = compress(alone, cto.linear_quantize_weights, Int8(mode="linear_symmetric", weight_threshold=0))
    assert compressed.get_spec().specificationVersion == ct.target.iOS16
    with pytest.raises(OptionError, match=r"int8 need iOS16 or later, got target iOS15; pass --target iOS16"):
        CoremlExportConfig(formats="int8", target="iOS15")


def test_the_same_model_gives_other_bytes_every_time(tmp_path):
    model = a_bert()
    first, second = (whole(tmp_path, model, name).package.path for name in ("first", "second"))
    assert bytes_of(first) != bytes_of(second)
    first, second = (ours(model, tmp_path / f"{name}.mlpackage").package.path for name in ("third", "fourth"))
    assert bytes_of(first) == bytes_of(second)


def bytes_of(package: Path) -> dict[str, bytes]:
    return {str(file.relative_to(package)): file.read_bytes() for file in package.rglob("*") if file.is_file()}


def test_two_outputs_and_labels_do_not_go_together(tmp_path):
    labels = ct.ClassifierConfig(LABELS)
    with pytest.raises(IndexError, match="list index out of range"):
        convert_whole(a_bert(), LENGTH, outputs=2, classifier_config=labels)
    program = ours(a_bert(), tmp_path / "ours.mlpackage")
    assert set(program.predict(a_text(program))) >= {"classLabel", "classLabel_probs", "logits"}


def test_several_lengths_are_refused_by_their_reason_before_anything_is_converted():
    shape = ct.EnumeratedShapes([(1, 8), (1, LENGTH)])
    with pytest.raises(
        ValueError, match="Expected a single enumerated shape input for deployment targets below iOS 18"
    ):
        convert_whole(a_bert(), LENGTH, shape=shape)
    with pytest.raises(OptionError, match=r"length 8,12 need iOS18 or later, got target iOS16; pass --target iOS18"):
        CoremlExportConfig(length="8,12", formats="fp16")


def test_int8_activations_are_calibrated_by_macs_alone():
    alone = convert_whole(a_bert(), LENGTH, "iOS17")
    row = {name: np.ones((1, LENGTH), np.int32) for name in ("input_ids", "attention_mask")}
    settings = cto.OptimizationConfig(Int8(mode="linear_symmetric"))
    with pytest.raises(Exception, match="only supported on macOS"), without_noise():
        cto.linear_quantize_activations(alone, settings, [row])


@pytest.mark.parametrize(("layout", "kind"), [("standard", "linear"), ("channels_first", "conv")])
def test_int8_activations_are_calibrated_here_and_every_linear_reads_them(
    layout, kind, tmp_path, tiny_checkpoint, tiny_tokens
):
    few = {"parity_rows": 8, "calibration_rows": 8, "minimum_agreement": 0}
    config = CoremlExportConfig(formats="w8a8", target="iOS17", layout=layout, **few)
    export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", config)
    operations = load(tmp_path / "package" / "model.w8a8.mlpackage").package.block.operations
    given = {each.outputs[0].name for each in operations if each.type == "dequantize"}
    linears = [each for each in operations if each.type == kind]
    assert len(linears) == 2 * 6 + 2
    assert all(each.inputs["x"].arguments[0].name in given for each in linears)


# -------------------------------------------------------------------- the layout of convolutions


def test_a_factor_behind_a_convolution_changes_no_weight(tmp_path):
    torch.manual_seed(0)
    widths = {"hidden_size": 32, "embedding_size": 12, "intermediate_size": 24, "true_hidden_size": 16}
    model = MobileBertForSequenceClassification(MobileBertConfig(**BERT, **widths, intra_bottleneck_size=16)).eval()
    for name, parameter in model.named_parameters():
        if "LayerNorm" in name:
            nn.init.normal_(parameter, mean=1.0, std=0.2)
    forms = asked("int8", model)
    wanted = {form.dense.half().numpy().tobytes() for form in forms.values()}
    with without_noise(), torch.inference_mode():
        example = (torch.ones((1, LENGTH), dtype=torch.int32),) * 3
        traced = torch.jit.trace(ChannelsFirstClassifier(model, LENGTH), example, check_trace=False)
        types = [ct.TensorType(name, (1, LENGTH), np.int32) for name in input_names(model)]
        wished = {"outputs": [ct.TensorType("logits"), ct.TensorType("probabilities")], "inputs": types}
        program = ct.convert(traced, convert_to="milinternal", minimum_deployment_target=ct.target.iOS16, **wished)
    values = [each.outputs[0].val for each in program.functions["main"].operations if each.op_type == "const"]
    assert wanted - {value.tobytes() for value in values if isinstance(value, np.ndarray)}
    mine = ours(model, tmp_path / "ours.mlpackage", layout=ChannelsFirstClassifier, forms=forms)
    assert require_compressed(mine, forms, modern=False) == len(forms)


# -------------------------------------------------------------------- what is told of them


def test_the_comparison_names_tests_that_there_are():
    folder = Path(__file__).parent
    told = re.findall(r"`(test_\w+)`", (folder.parents[1] / "docs/coreml/compared.md").read_text(encoding="utf-8"))
    known = "".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
    assert len(told) > 15
    assert not [name for name in told if f"def {name}(" not in known]
