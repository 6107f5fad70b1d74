"""The layout (batch, channels, 1, tokens): every family answers as it did, and Core ML gets the operators it likes."""

from collections import Counter
from pathlib import Path

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

from potstill.coreml import load
from potstill.coreml.lengths import read_lengths
from potstill.coreml.package import open_package
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.coreml_export.files.same_bytes import save
from potstill.coreml_export.graphs.channels_first import ChannelsFirstClassifier
from potstill.coreml_export.graphs.channels_first.attention import attend
from potstill.coreml_export.graphs.channels_first.modules import ChannelNorm
from potstill.coreml_export.graphs.classifier import TracedClassifier, input_names
from potstill.coreml_export.graphs.conversion import Wish, convert
from potstill.encoder.pruned import PrunedBertConfig
from potstill.encoder.pruned_mobilebert import PrunedMobileBertConfig
from potstill.encoder.quantization import Scales, weight_scale
from potstill.encoder.quantized_linears import smooth
from potstill.errors import InputError

LENGTH, LONGEST, LABELS = 9, 12, 3
SIZES = {"vocab_size": 60, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 40}
BERT = {**SIZES, "hidden_size": 32, "intermediate_size": 48}
NARROW = {**SIZES, "hidden_size": 32, "embedding_size": 12, "intermediate_size": 24, "true_hidden_size": 16}
MOBILE = {**NARROW, "intra_bottleneck_size": 16}
CONFIGS = {
    "bert": BertConfig(**BERT),
    "bert, one segment": BertConfig(**BERT, type_vocab_size=1),
    "pruned": PrunedBertConfig(**BERT, heads_per_layer=[3, 1], ffn_per_layer=[40, 7]),
    "roberta": RobertaConfig(**BERT, pad_token_id=1),
    "electra": ElectraConfig(**BERT, embedding_size=12),
    "electra, as wide as its embeddings": ElectraConfig(**BERT, embedding_size=32),
    "distilbert": DistilBertConfig(vocab_size=60, dim=32, n_layers=2, n_heads=4, hidden_dim=48),
    "albert": AlbertConfig(**BERT, embedding_size=12, hidden_act="gelu_new"),
    "albert, two groups of two": AlbertConfig(
        **{**BERT, "num_hidden_layers": 4}, num_hidden_groups=2, inner_group_num=2
    ),
    "mobilebert": MobileBertConfig(**MOBILE),
    "mobilebert, layer norms": MobileBertConfig(**MOBILE, normalization_type="layer_norm"),
    "mobilebert, attention from bottlenecks": MobileBertConfig(**MOBILE, use_bottleneck_attention=True),
    "mobilebert, keys from hidden states": MobileBertConfig(
        **{**MOBILE, "true_hidden_size": 32, "intra_bottleneck_size": 32}, key_query_shared_bottleneck=False
    ),
    "mobilebert, no trigrams": MobileBertConfig(**{**MOBILE, "embedding_size": 32}, trigram_input=False),
    "mobilebert, no pooler": MobileBertConfig(**MOBILE, classifier_activation=False),
    "pruned mobilebert": PrunedMobileBertConfig(**MOBILE, ffn_per_layer=[[24, 5, 9, 24], [3, 8, 24, 6]]),
}


def model_of(config):
    """A classifier all of whose tensors are random, so that a weight in a wrong place is seen."""
    torch.manual_seed(0)
    config.num_labels = LABELS
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
    for name, parameter in model.named_parameters():
        nn.init.normal_(parameter, mean=1.0 if "Norm.weight" in name or "norm.weight" in name else 0.0, std=0.2)
    return model


def texts():
    """Two texts, one of them padded: ids, mask, segments (2, LENGTH) int32."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 60, (2, LENGTH), generator=generator, dtype=torch.int32)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    return torch.where(mask == 0, 0, ids), mask, torch.zeros_like(ids)


@pytest.mark.parametrize("family", CONFIGS)
def test_every_family_answers_as_in_the_standard_layout(family):
    model = model_of(CONFIGS[family])
    with torch.inference_mode():
        wanted = TracedClassifier(model, LONGEST)(*texts())
        found = ChannelsFirstClassifier(model, LONGEST)(*texts())
        alone = model(*(each.long() for each in texts()[:2])).logits
    assert found[0].shape == found[1].shape == (2, LABELS)
    assert wanted[0].std() > 0.01
    assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    assert_close(found[0], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", CONFIGS)
def test_every_linear_is_a_convolution_of_the_same_name_on_the_same_weight(family):
    model = model_of(CONFIGS[family])
    copy = ChannelsFirstClassifier(model, LONGEST).model
    linears = {name: each for name, each in model.named_modules() if isinstance(each, nn.Linear)}
    assert not [name for name, each in copy.named_modules() if isinstance(each, nn.Linear)]
    for name, linear in linears.items():
        found = copy.get_submodule(name)
        assert isinstance(found, nn.Conv2d)
        assert torch.equal(found.weight[:, :, 0, 0], linear.weight)
    standard = TracedClassifier(model, LONGEST).model
    for name, table in standard.named_modules():
        if isinstance(table, nn.Embedding):
            assert torch.equal(copy.get_submodule(name).weight, table.weight)


def test_the_source_stays_as_it_was():
    model = model_of(CONFIGS["bert"])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    ChannelsFirstClassifier(model, LONGEST)
    assert not [each for each in model.modules() if isinstance(each, nn.Conv2d)]
    assert_close(model.state_dict(), before, atol=0, rtol=0)


def test_attention_is_that_of_the_standard_layout():
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 6, 1, 5) for _ in range(3))
    mask = torch.tensor([[0.0, 0, 0, 0, 0], [0, 0, 0, -1e4, -1e4]])[:, None, None]
    rows = [each.reshape(2, 3, 2, 5).transpose(2, 3) for each in (query, key, value)]
    wanted = nn.functional.scaled_dot_product_attention(*rows, attn_mask=mask)
    assert_close(attend(query, key, value, mask, 3, 2), wanted.transpose(2, 3).reshape(2, 6, 1, 5))


def test_a_norm_whose_weight_is_0_gives_its_bias():
    norm = nn.LayerNorm(4, eps=1e-12)
    nn.init.normal_(norm.bias)
    norm.weight.data = torch.tensor([0.0, -0.5, 1e-8, 2.0])
    hidden = torch.randn(2, 7, 4)
    found = ChannelNorm(norm)(hidden.transpose(1, 2)[:, :, None])
    assert_close(found[:, :, 0].transpose(1, 2), norm(hidden), atol=1e-6, rtol=1e-6)


def test_smoothed_linears_divide_their_input_here_too():
    model = model_of(CONFIGS["bert"])
    name = "bert.encoder.layer.1.output.dense"
    weight = model.get_submodule(name).weight
    smooth(model, {name: Scales(weight_scale(weight), smoothing=torch.rand(weight.shape[1]) + 0.5)})
    with torch.inference_mode():
        wanted, found = (kind(model, LONGEST)(*texts()) for kind in (TracedClassifier, ChannelsFirstClassifier))
    assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_relative_positions_are_refused():
    model = model_of(BertConfig(**BERT, position_embedding_type="relative_key"))
    with pytest.raises(InputError, match=r"absolute positions only, got 'relative_key'; pass --layout standard"):
        ChannelsFirstClassifier(model, LONGEST)


def converted(family: str, lengths: str, target: str, folder: Path):
    """A package of a family in this layout that computes in float32."""
    model = model_of(CONFIGS[family])
    names = input_names(model)
    wish = Wish("fp32", names, ["a", "b", "c"], read_lengths(lengths), target, float32=True)
    save(convert(ChannelsFirstClassifier(model, wish.lengths.longest), wish), folder, {})
    return model, dict(zip(names, texts(), strict=False)), folder


def operators(package: Path) -> Counter[str]:
    """How often each operator stands in a package's program."""
    function = open_package(package).model.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    return Counter(operation.type for operation in block.operations)


@pytest.mark.parametrize("target", ["iOS15", "iOS18"])
@pytest.mark.parametrize("lengths", [str(LENGTH), f"3-{LONGEST}"])
def test_core_ml_gets_the_operators_that_the_neural_engine_likes(lengths, target, tmp_path):
    model, _, package = converted("bert", lengths, target, tmp_path / "made.mlpackage")
    found = operators(package)
    linears = sum(isinstance(each, nn.Linear) for each in model.modules())
    assert found["conv"] == linears
    assert found["layer_norm"] == sum(isinstance(each, nn.LayerNorm) for each in model.modules())
    assert found["einsum"] == 2 * 2 * 4  # two products for each of 4 heads of 2 layers
    assert not found.keys() & {"linear", "matmul", "reduce_mean", "rsqrt", "batch_norm"}


@pytest.mark.parametrize("family", ["bert", "pruned", "roberta", "electra", "distilbert", "albert", "mobilebert"])
def test_packages_of_every_family_answer_as_pytorch(family, tmp_path):
    model, inputs, package = converted(family, str(LENGTH), "iOS16", tmp_path / "made.mlpackage")
    program = load(package)
    with torch.inference_mode():
        wanted = TracedClassifier(model, LENGTH)(*inputs.values())[0]
    found = [program.predict({name: each[row : row + 1].numpy() for name, each in inputs.items()}) for row in (0, 1)]
    assert_close(torch.from_numpy(np.concatenate([each["logits"] for each in found])), wanted, atol=1e-4, rtol=1e-4)


def test_a_package_of_a_range_of_lengths_answers_as_pytorch_at_each(tmp_path):
    model, inputs, package = converted("bert", f"3-{LONGEST}", "iOS16", tmp_path / "made.mlpackage")
    program = load(package)
    for length in (3, LENGTH):
        cut = {name: each[:1, :length] for name, each in inputs.items()}
        with torch.inference_mode():
            wanted = TracedClassifier(model, LONGEST)(*cut.values())[0]
        found = program.predict({name: each.numpy() for name, each in cut.items()})["logits"]
        assert_close(torch.from_numpy(found), wanted, atol=1e-4, rtol=1e-4)


def test_the_stage_writes_and_proves_packages_in_this_layout(tmp_path, tiny_checkpoint, tiny_tokens):
    config = CoremlExportConfig(formats="fp16,int8,palette4", layout="channels_first", parity_rows=8, tolerance=0.01)
    measures = export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", config)
    assert measures["int8_weights"] == measures["palette4_weights"] == 16
    packages = [load(file) for file in sorted((tmp_path / "package").glob("*.mlpackage"))]
    assert [operators(each.package.path)["conv"] for each in packages] == [14] * 3
    assert {each.package.model.description.metadata.userDefined["potstill.layout"] for each in packages} == {
        "channels_first"
    }
