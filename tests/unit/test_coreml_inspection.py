"""What inspect and diff tell: sizes that add up, compression as it was asked for, and advice that has a reason."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from potstill.artifacts import scan
from potstill.coreml import load
from potstill.coreml.inspection.answers import compare_answers
from potstill.coreml.inspection.difference import compare_facts, compare_weights
from potstill.coreml.inspection.facts import Facts
from potstill.coreml.inspection.neural_engine import advice
from potstill.coreml.inspection.reading import read_facts
from potstill.coreml.inspection.sizes import GRAPH
from potstill.coreml.inspection.targets import target_of
from potstill.coreml.inspection.text import told
from potstill.coreml.package import open_package
from potstill.coreml_export.graphs.noise import without_noise
from potstill.errors import InputError
from tests.coreml_models import Model_pb2, ct, head, mb, program, save

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.standard_normal((100, 64)).astype(np.float32)
LAYER = RANDOM.standard_normal((64, 64)).astype(np.float32)
HEAD = RANDOM.standard_normal((48, 64)).astype(np.float32)
X = RANDOM.standard_normal((1, 3, 64)).astype(np.float32)


def classifier(target: str = "iOS18", **more):
    """Weights with the names that traced encoders have."""

    def linear(x, weight, name: str):
        bias = np.ones(len(weight), np.float32)
        weight, bias = mb.const(val=weight, name=f"{name}_weight"), mb.const(val=bias, name=f"{name}_bias")
        return mb.linear(x=x, weight=weight, bias=bias, name="logits" if "classifier" in name else f"{name}_result")

    def build(x):
        words = mb.const(val=TABLE, name="model_embeddings_word_embeddings_weight")
        ids = mb.cast(x=mb.reduce_sum(x=mb.relu(x=x), axes=[-1]), dtype="int32")
        hidden = mb.add(x=x, y=mb.gather(x=words, indices=ids, axis=0))
        for number in range(2):
            hidden = mb.gelu(x=linear(hidden, LAYER + number, f"model_encoder_layer_{number}_dense"), mode="EXACT")
        return linear(hidden, HEAD, "model_classifier")

    return program(build, {"x": (1, 3, 64)}, target, **more)


def compressed(model, kind: str, settings, **more):
    optimize = ct.optimize.coreml
    with without_noise():
        work = {
            "linear": optimize.linear_quantize_weights,
            "palette": optimize.palettize_weights,
            "prune": optimize.prune_weights,
        }
        return work[kind](model, config=optimize.OptimizationConfig(global_config=settings), **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same classifier in several compressions."""
    made = tmp_path_factory.mktemp("packages")
    optimize = ct.optimize.coreml
    plain = classifier()
    settings = {
        "int8": ("linear", optimize.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=0)),
        "int4": (
            "linear",
            optimize.OpLinearQuantizerConfig(
                mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=0
            ),
        ),
        "palette": ("palette", optimize.OpPalettizerConfig(mode="uniform", nbits=4, weight_threshold=0)),
        "groups": (
            "palette",
            optimize.OpPalettizerConfig(
                mode="uniform", nbits=2, granularity="per_grouped_channel", group_size=16, weight_threshold=0
            ),
        ),
        "sparse": ("prune", optimize.OpMagnitudePrunerConfig(target_sparsity=0.5, weight_threshold=0)),
    }
    save(plain, made / "plain.mlpackage")
    for name, (kind, config) in settings.items():
        save(compressed(plain, kind, config), made / f"{name}.mlpackage")
    tensor = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", granularity="per_tensor", weight_threshold=0)
    for name, before, after in (
        ("sparse_int8", "sparse", settings["int8"]),
        ("palette_int8", "palette", ("linear", tensor)),
    ):
        joint = compressed(compressed(plain, *settings[before]), *after, joint_compression=True)
        save(joint, made / f"{name}.mlpackage")
    return made


def facts_of(path: Path) -> Facts:
    return read_facts(open_package(path))


WANTED = {  # kind, what shares a scale or palette, bits of an entry with its share of scales and palettes at most
    "plain": ("float32", "", 32.0),
    "int8": ("int8", "a row", 8.6),
    "int4": ("int4", "32 of a row", 5.1),
    "palette": ("4-bit palette", "the whole", 4.2),
    "groups": ("2-bit palette", "16 rows", 2.2),
    "sparse": ("sparse", "", 17.1),
    "sparse_int8": ("sparse, int8", "a row", 5.6),
    "palette_int8": ("4-bit palette, int8", "the whole", 4.2),
}


@pytest.mark.parametrize("name", WANTED)
def test_compression_is_told_as_it_was_asked_for(name: str, folder: Path):
    kind, grain, bits = WANTED[name]
    facts = facts_of(folder / f"{name}.mlpackage")
    linear = next(each for each in facts.weights if "layer_1" in each.name)
    assert (linear.kind, linear.grain, linear.shape) == (kind, grain, (64, 64))
    assert linear.dense_bytes == 64 * 64 * 4
    assert bits * 0.9 <= linear.bytes * 8 / 64**2 <= bits
    assert linear.sparsity == pytest.approx(0.5 if "sparse" in name else 0, abs=0.01)
    row = next(each for each in facts.compression if each.kind == kind)
    assert row.weights >= 3
    assert row.bytes == sum(each.bytes for each in facts.weights if each.kind == kind)


@pytest.mark.parametrize("name", WANTED)
def test_sizes_add_up_to_the_package(name: str, folder: Path):
    facts = facts_of(folder / f"{name}.mlpackage")
    assert [each.name for each in facts.sizes] == ["embeddings", "layer 0", "layer 1", "head", GRAPH]
    assert sum(each.bytes for each in facts.sizes) == facts.bytes
    assert facts.bytes == sum(file.bytes for file in scan(folder / f"{name}.mlpackage"))
    assert facts.sizes[1].bytes == facts.sizes[2].bytes


def test_what_an_app_must_know(folder: Path):
    facts = facts_of(folder / "int8.mlpackage")
    assert (facts.kind, facts.target.ios, facts.target.macos, facts.functions) == (
        "mlProgram",
        "iOS 18",
        "macOS 15",
        ("main",),
    )
    (taken,), (given,) = facts.inputs, facts.outputs
    assert (taken.name, taken.type, taken.shape) == ("x", "float32", "1 × 3 × 64")
    assert given.name == "logits"
    assert facts.operators["linear"] == 3
    assert facts.activations["float32"] > facts.activations["int32"] > 0
    assert facts.not_executed == ""
    lines = told(facts)
    assert "runs on iOS 18, macOS 15 and later (specification 9)" in lines
    assert "nothing was run on a device" in lines
    assert max(map(len, lines.splitlines())) < 140


def test_a_program_that_is_not_executed_is_read_all_the_same(folder: Path, tmp_path: Path):
    model = Model_pb2.Model()
    model.CopyFrom(open_package(folder / "plain.mlpackage").model)
    function = model.mlProgram.functions["main"]
    function.block_specializations[function.opset].operations[-1].type = "unheard_of"
    folder = shutil.copytree(folder / "plain.mlpackage", tmp_path / "strange.mlpackage")
    save(model, folder / "Data/com.apple.CoreML/model.mlmodel")
    facts = facts_of(folder)
    assert "unheard_of" in facts.not_executed
    assert facts.operators["unheard_of"] == 1
    assert "not executed here: " in told(facts)
    assert not facts.damaged


@pytest.mark.parametrize("keep", [0, 100])
def test_a_package_with_short_weights_is_told_as_damaged(keep: int, folder: Path, tmp_path: Path):
    package = Path(shutil.copytree(folder / "plain.mlpackage", tmp_path / "short.mlpackage"))
    weights = package / "Data/com.apple.CoreML/weights/weight.bin"
    weights.write_bytes(weights.read_bytes()[:keep])
    facts = facts_of(package)
    assert facts.damaged
    assert facts.operators["linear"] == 3
    assert "damaged: " in told(facts)
    assert not facts_of(folder / "plain.mlpackage").damaged


def wrecked(change, folder: Path, tmp_path: Path) -> Path:
    model = Model_pb2.Model()
    model.CopyFrom(open_package(folder / "plain.mlpackage").model)
    function = model.mlProgram.functions["main"]
    change(model, function.block_specializations[function.opset].operations)
    package = Path(shutil.copytree(folder / "plain.mlpackage", tmp_path / "wrecked.mlpackage"))
    save(model, package / "Data/com.apple.CoreML/model.mlmodel")
    return package


WRECKS = {
    "KeyError: 9999": lambda _, operations: setattr(operations[-1].outputs[0].type.tensorType, "dataType", 9999),
    "ValueError: .*9999": lambda model, _: setattr(model.description.input[0].type.multiArrayType, "dataType", 9999),
}


@pytest.mark.parametrize("said", WRECKS)
def test_what_is_too_damaged_to_be_read_is_said_in_one_line(said: str, folder: Path, tmp_path: Path):
    package = wrecked(WRECKS[said], folder, tmp_path)
    with pytest.raises(InputError, match=rf"wrecked\.mlpackage is damaged \({said}\); export it again$"):
        facts_of(package)


def test_models_of_a_pipeline_are_told_one_by_one(tmp_path: Path):
    build = lambda x: mb.linear(x=x, weight=HEAD, name="features")  # noqa: E731
    small = ct.models.MLModel(
        head(np.ones((2, 48), np.float32), np.zeros(2, np.float32), ["甲", "乙"]), skip_model_load=True
    )
    with without_noise():
        piped = ct.utils.make_pipeline(program(build, {"x": (1, 64)}), small)
    facts = facts_of(save(piped, tmp_path / "piped.mlpackage"))
    assert [part.kind for part in facts.parts] == ["mlProgram", "neuralNetworkClassifier"]
    assert facts.labels == ("甲", "乙")
    assert facts.parts[1].operators == {"innerProduct": 1, "softmaxND": 1}
    assert {each.kind for each in facts.parts[1].weights} == {"float32"}
    lines = told(facts)
    assert "2 models, one after the other, below" in lines
    assert "  piped.mlpackage, model 1" in lines


def advised(model, folder: Path) -> dict[str, str]:
    return {each.subject: each.text for each in advice(open_package(save(model, folder / "one.mlpackage")))}


def flexible(folder: Path, kind: str) -> Path:
    """A package whose input is declared flexible: coremltools is not asked to convert it anew."""
    model = Model_pb2.Model()
    package = open_package(save(program(lambda x: mb.relu(x=x, name="y"), {"x": (1, 8)}), folder / "fixed.mlpackage"))
    model.CopyFrom(package.model)
    array = model.description.input[0].type.multiArrayType
    if kind == "range":
        for low, high in ((1, 1), (3, 8)):
            array.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    else:
        for length in (4, 8):
            array.enumeratedShapes.shapes.add(shape=[1, length])
    model.mlProgram.functions["main"].inputs[0].type.tensorType.dimensions[1].unknown.SetInParent()
    return save(model, folder / "flexible.mlmodel")


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [("range", "flexible length", "x 1 × 3 to 8"), ("list", "enumerated lengths", r"x 1 × 4 or 1 × 8")],
)
def test_flexible_lengths_are_remarked_on(kind: str, subject: str, said: str, tmp_path: Path):
    package = open_package(flexible(tmp_path, kind))
    found = {each.subject: each.text for each in advice(package)}
    assert said in found[subject]
    assert read_facts(package).inputs[0].shape in found[subject]


REMARKS = {
    "float32": (lambda x: mb.relu(x=x), {"x": (1, 8)}, "1 of 1 floating values are float32"),
    "long axis": (lambda x: mb.relu(x=x, name="y"), {"x": (1, 16385)}, "y: an axis above 16,384"),
    "lookups": (
        lambda x: mb.add(x=mb.gather(x=np.zeros((20000, 2), np.float32), indices=[1], axis=0), y=x),
        {"x": (1, 2)},
        r"the largest has 20,000 rows\) .* too many",
    ),
    "operators": (lambda x: mb.cumsum(x=x, axis=1), {"x": (1, 8)}, "cumsum 1: not known"),
    "integer arithmetic": (
        lambda x: mb.cast(x=mb.add(x=mb.cast(x=x, dtype="int32"), y=np.int32(1)), dtype="fp32"),
        {"x": (1, 8)},
        r"whole numbers \(add\)",
    ),
    "layout": (lambda x: mb.linear(x=x, weight=HEAD), {"x": (1, 64)}, "1 linears multiply the last axis"),
    "padding": (lambda x: mb.expand_dims(x=x, axes=[-1], name="y"), {"x": (1, 4096)}, "y: the last axis has one entry"),
}


@pytest.mark.parametrize("subject", REMARKS)
def test_what_keeps_a_program_off_the_neural_engine(subject: str, tmp_path: Path):
    build, shapes, said = REMARKS[subject]
    found = advised(program(build, shapes), tmp_path)
    assert re.search(said, found[subject])


def test_what_suits_the_neural_engine_is_not_remarked_on(tmp_path: Path):
    """Fixed shape, float16, 1 × 1 convolutions over (batch, width, 1, tokens)."""
    weight = RANDOM.standard_normal((16, 8, 1, 1)).astype(np.float32)
    build = lambda x: mb.gelu(x=mb.conv(x=x, weight=weight), mode="EXACT")  # noqa: E731
    more = {"compute_precision": ct.precision.FLOAT16, "pass_pipeline": ct.PassPipeline()}
    assert advised(program(build, {"x": (1, 8, 1, 64)}, **more), tmp_path) == {}


def test_int4_blocks_and_int8_activations_are_remarked_on(folder: Path, tmp_path: Path):
    found = {each.subject for each in advice(open_package(folder / "int4.mlpackage"))}
    assert "int4 blocks" in found
    assert "int4 blocks" not in {each.subject for each in advice(open_package(folder / "int8.mlpackage"))}

    def rounded(x):
        small = mb.quantize(input=x, scale=np.float32(0.1), output_dtype="int8")
        return mb.dequantize(input=small, scale=np.float32(0.1))

    assert "A17 Pro, M4" in advised(program(rounded, {"x": (1, 8)}, "iOS17"), tmp_path)["int8 activations"]


@pytest.mark.parametrize(
    ("version", "ios"), [(4, "iOS 13"), (6, "iOS 15"), (7, "iOS 16"), (8, "iOS 17"), (9, "iOS 18"), (99, "a newer iOS")]
)
def test_the_oldest_system(version: int, ios: str):
    assert target_of(version).ios == ios


def test_targets_are_those_of_coremltools():
    for name in ("iOS13", "iOS14", "iOS15", "iOS16", "iOS17", "iOS18"):
        assert target_of(ct.target[name].value).ios.replace(" ", "") == name


def test_a_package_does_not_differ_from_itself(folder: Path):
    facts, model = facts_of(folder / "int8.mlpackage"), load(folder / "int8.mlpackage")
    assert compare_facts(facts, facts) == ([], [], [])
    weights, same = compare_weights(model, model)
    assert (weights, same) == ((), len(model.weights))
    assert all(each.same for each in compare_answers(model, model, [({"x": X}, {"x": X})]))


def test_in_what_two_compressions_differ(folder: Path):
    plain, rounded = load(folder / "plain.mlpackage"), load(folder / "int8.mlpackage")
    weights, _ = compare_weights(plain, rounded)
    layer = next(each for each in weights if "layer_0" in each.name)
    step = np.abs(LAYER).max(1) / 127
    assert layer.how == "values"
    assert 0 < layer.greatest <= step.max() / 2 + 1e-6
    assert 0 < layer.relative < 0.02
    (answers,) = compare_answers(plain, rounded, [({"x": X}, {"x": X})] * 3)
    apart = np.abs(plain.predict({"x": X})["logits"].astype(float) - rounded.predict({"x": X})["logits"])
    assert (answers.rows, answers.equal) == (3, 0.0)
    assert answers.greatest == pytest.approx(apart.max())
    assert answers.mean == pytest.approx(apart.mean())


def test_models_without_a_common_output_are_refused(folder: Path, tmp_path: Path):
    other = load(save(program(lambda x: mb.relu(x=x, name="y"), {"x": (1, 8)}), tmp_path / "other.mlpackage"))
    with pytest.raises(InputError, match="they share no output: logits and y"):
        compare_answers(load(folder / "plain.mlpackage"), other, [({"x": X}, {"x": X})])
