"""The interpreter of Core ML packages: every operator against numpy or torch, on packages that coremltools wrote."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from potstill.coreml import load
from potstill.coreml.mlprogram.operators import OPERATORS
from potstill.coreml.mlprogram.values import unpack
from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.noise import without_noise
from potstill.errors import InputError

with quiet_coremltools():
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)
    from coremltools.converters.mil.mil import types
    from coremltools.optimize import coreml as compression
    from coremltools.proto import Model_pb2

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((2, 3, 4)).astype(np.float32)
Y = RANDOM.standard_normal((2, 3, 4)).astype(np.float32)
WEIGHT, BIAS = RANDOM.standard_normal((5, 4)).astype(np.float32), RANDOM.standard_normal(5).astype(np.float32)
GAMMA, BETA = RANDOM.standard_normal(4).astype(np.float32), RANDOM.standard_normal(4).astype(np.float32)
IDS = np.array([[0, 2], [-1, 1]], np.int32)
TORCH_X, TORCH_Y = torch.from_numpy(X), torch.from_numpy(Y)


def save(build, folder: Path, inputs: dict[str, np.ndarray], target: str = "iOS16", precision: str = "FLOAT32") -> Path:
    """Save a program made by coremltools' builder as a package; a pass may only lower its precision."""
    kinds = {"f": types.fp32, "i": types.int32}
    specs = [mb.TensorSpec(array.shape, kinds[array.dtype.kind]) for array in inputs.values()]
    names = ", ".join(inputs)
    scope = {"build": build}
    exec(f"def main({names}): return build({names})", scope)  # the builder reads the names of the parameters
    with without_noise():
        program = mb.program(input_specs=specs, opset_version=ct.target[target])(scope["main"])
        empty = {"pass_pipeline": ct.PassPipeline.EMPTY} if precision == "FLOAT32" else {}
        model = ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target[target],
            compute_precision=ct.precision[precision],
            skip_model_load=True,
            **empty,
        )
        model.save(str(folder / "model.mlpackage"))
    return folder / "model.mlpackage"


def run(build, folder: Path, inputs: dict[str, np.ndarray], target: str = "iOS16") -> np.ndarray:
    outputs = load(save(build, folder, inputs, target)).predict(inputs)
    assert len(outputs) == 1
    return next(iter(outputs.values()))


def layer_norm(array: np.ndarray) -> np.ndarray:
    centred = array - array.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3) * GAMMA + BETA


PAIRS = {
    "add": (lambda x, y: mb.add(x=x, y=y), X + Y),
    "sub": (lambda x, y: mb.sub(x=x, y=y), X - Y),
    "mul": (lambda x, y: mb.mul(x=x, y=y), X * Y),
    "greater_equal": (lambda x, y: mb.cast(x=mb.greater_equal(x=x, y=y), dtype="int32"), (X >= Y).astype(np.int32)),
    "select": (lambda x, y: mb.select(cond=mb.greater_equal(x=x, y=y), a=x, b=y), np.maximum(X, Y)),
    "matmul": (lambda x, y: mb.matmul(x=x, y=y, transpose_y=True), X @ Y.transpose(0, 2, 1)),
    "matmul of transposed": (lambda x, y: mb.matmul(x=x, y=y, transpose_x=True), X.transpose(0, 2, 1) @ Y),
    "concat": (lambda x, y: mb.concat(values=(x, y, x), axis=1), np.concatenate([X, Y, X], 1)),
}
SINGLES = {
    "relu": (lambda x: mb.relu(x=x), np.maximum(X, 0)),
    "tanh": (lambda x: mb.tanh(x=x), np.tanh(X)),
    "gelu": (lambda x: mb.gelu(x=x, mode="EXACT"), torch.nn.functional.gelu(TORCH_X)),
    "gelu by tanh": (
        lambda x: mb.gelu(x=x, mode="TANH_APPROXIMATION"),
        torch.nn.functional.gelu(TORCH_X, approximate="tanh"),
    ),
    "gelu by sigmoid": (lambda x: mb.gelu(x=x, mode="SIGMOID_APPROXIMATION"), X / (1 + np.exp(-1.702 * X))),
    "softmax": (lambda x: mb.softmax(x=x, axis=1), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    "linear": (lambda x: mb.linear(x=x, weight=WEIGHT, bias=BIAS), X @ WEIGHT.T + BIAS),
    "linear without bias": (lambda x: mb.linear(x=x, weight=WEIGHT), X @ WEIGHT.T),
    "layer_norm": (lambda x: mb.layer_norm(x=x, axes=[-1], gamma=GAMMA, beta=BETA, epsilon=1e-3), layer_norm(X)),
    "reshape": (lambda x: mb.reshape(x=x, shape=[2, 2, -1]), X.reshape(2, 2, 6)),
    "transpose": (lambda x: mb.transpose(x=x, perm=[2, 0, 1]), X.transpose(2, 0, 1)),
    "expand_dims": (lambda x: mb.expand_dims(x=x, axes=[1, -1]), X[:, None, ..., None]),
    "slice_by_index": (
        lambda x: mb.slice_by_index(
            x=x, begin=[0, 1, 0], end=[2, 3, 4], stride=[1, 1, 2], end_mask=[True, False, True]
        ),
        X[:, 1:3, ::2],
    ),
    "slice_by_index, squeezed": (
        lambda x: mb.slice_by_index(x=x, begin=[0, 0, 1], end=[0, 1, 3], squeeze_mask=[True, False, False]),
        X[0, 0:1, 1:3],
    ),
    "pad": (
        lambda x: mb.pad(x=x, pad=[0, 0, 1, 0, 0, 2], mode="constant", constant_val=7.0),
        np.pad(X, [(0, 0), (1, 0), (0, 2)], constant_values=7),
    ),
    "cast": (lambda x: mb.cast(x=mb.mul(x=x, y=3.0), dtype="int32"), np.trunc(X * np.float32(3)).astype(np.int32)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_operators_of_two(name: str, tmp_path: Path):
    build, wanted = PAIRS[name]
    np.testing.assert_allclose(run(build, tmp_path, {"x": X, "y": Y}), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("target", ["iOS15", "iOS18"])
@pytest.mark.parametrize("name", SINGLES)
def test_operators_of_one(name: str, target: str, tmp_path: Path):
    build, wanted = SINGLES[name]
    np.testing.assert_allclose(run(build, tmp_path, {"x": X}, target), np.asarray(wanted), rtol=1e-5, atol=1e-6)


def test_gather_takes_slices_and_counts_negative_indices_from_the_end(tmp_path: Path):
    found = run(lambda i: mb.gather(x=X, indices=i, axis=1), tmp_path, {"i": IDS})
    np.testing.assert_array_equal(found, np.take(X, IDS % 3, axis=1))


def test_gather_refuses_an_index_out_of_range(tmp_path: Path):
    program = load(save(lambda i: mb.gather(x=X, indices=i, axis=1), tmp_path, {"i": IDS}))
    with pytest.raises(InputError, match=r"\(gather\): INDICES element is out of DATA bounds, id=3 axis_dim=3"):
        program.predict({"i": IDS + 3})


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
def test_cast_to_narrow_integers_and_back(dtype: str, tmp_path: Path):
    ids = np.array([0, 7, 100], np.int32)
    found = run(lambda i: mb.cast(x=mb.cast(x=i, dtype=dtype), dtype="int32"), tmp_path, {"i": ids}, "iOS17")
    np.testing.assert_array_equal(found, ids)


def test_cast_to_bool_and_to_float16(tmp_path: Path):
    as_bool = run(lambda x: mb.cast(x=mb.cast(x=x, dtype="bool"), dtype="fp32"), tmp_path, {"x": np.trunc(X)})
    np.testing.assert_array_equal(as_bool, (np.trunc(X) != 0).astype(np.float32))
    as_half = run(lambda x: mb.cast(x=mb.cast(x=x, dtype="fp16"), dtype="fp32"), tmp_path, {"x": X})
    np.testing.assert_array_equal(as_half, X.astype(np.float16).astype(np.float32))


def test_float16_results_are_rounded_once_for_each_operation(tmp_path: Path):
    package = save(lambda x, y: mb.mul(x=mb.add(x=x, y=y), y=y), tmp_path, {"x": X, "y": Y}, precision="FLOAT16")
    found = next(iter(load(package).predict({"x": X, "y": Y}).values()))
    half = Y.astype(np.float16)
    np.testing.assert_array_equal(found, ((X.astype(np.float16) + half) * half).astype(np.float32))


def test_what_depends_on_constants_alone_is_computed_once(tmp_path: Path):
    program = load(save(lambda x: mb.add(x=x, y=mb.gather(x=X, indices=[1], axis=0)), tmp_path, {"x": X}))
    assert len(program._steps) == 1


def compressed(method: str, folder: Path, target: str) -> tuple[Path, Path]:
    """Return a package of one linear with a compressed weight, and the same decompressed by coremltools."""
    weight = np.random.default_rng(1).standard_normal((48, 64)).astype(np.float32)
    path = save(lambda x: mb.linear(x=x, weight=weight), folder, {"x": np.eye(64, dtype=np.float32)}, target, "FLOAT16")
    block = {"dtype": "int4", "granularity": "per_block", "block_size": 16}
    channels = {"granularity": "per_grouped_channel", "group_size": 8}
    linear, palette = compression.OpLinearQuantizerConfig, compression.OpPalettizerConfig
    ways = {
        "int8 symmetric": (compression.linear_quantize_weights, linear(mode="linear_symmetric")),
        "int8 affine": (compression.linear_quantize_weights, linear(mode="linear")),
        "int4 blocks": (compression.linear_quantize_weights, linear(mode="linear_symmetric", **block)),
        "4-bit palette": (compression.palettize_weights, palette(mode="uniform", nbits=4)),
        "6-bit palette": (compression.palettize_weights, palette(mode="uniform", nbits=6)),
        "grouped palette": (compression.palettize_weights, palette(mode="uniform", nbits=4, **channels)),
        "sparse": (compression.prune_weights, compression.OpMagnitudePrunerConfig(target_sparsity=0.5)),
    }
    compress, config = ways[method]
    with without_noise():
        model = compress(ct.models.MLModel(str(path), skip_model_load=True), compression.OptimizationConfig(config))
        model.save(str(folder / "small.mlpackage"))
        compression.decompress_weights(model).save(str(folder / "dense.mlpackage"))
    return folder / "small.mlpackage", folder / "dense.mlpackage"


METHODS = {
    "int8 symmetric": ("iOS16", "iOS18"),
    "int8 affine": ("iOS16", "iOS18"),
    "4-bit palette": ("iOS16", "iOS18"),
    "6-bit palette": ("iOS16", "iOS18"),
    "sparse": ("iOS16", "iOS18"),
    "int4 blocks": ("iOS18",),
    "grouped palette": ("iOS18",),
}


@pytest.mark.parametrize(("method", "target"), [(name, target) for name in METHODS for target in METHODS[name]])
def test_decompression_gives_the_bits_that_coremltools_gives(method: str, target: str, tmp_path: Path):
    small, dense = (load(path) for path in compressed(method, tmp_path, target))
    assert len(small.compressed) == 1
    assert not dense.compressed
    unit = {"x": np.eye(64, dtype=np.float32)}  # so the result is the weight itself
    found, wanted = (next(iter(program.predict(unit).values())) for program in (small, dense))
    np.testing.assert_array_equal(found, wanted)
    assert np.abs(found).max() > 1


@pytest.mark.parametrize(("bits", "signed"), [(1, False), (2, False), (3, False), (4, False), (4, True), (6, False)])
def test_unpacking_narrow_integers(bits: int, signed: bool):
    low = -(1 << (bits - 1)) if signed else 0
    wanted = np.arange(low, low + (1 << bits)).repeat(3)
    stream = "".join(format(value & ((1 << bits) - 1), f"0{bits}b")[::-1] for value in wanted.tolist())
    data = bytes(int(stream[start : start + 8].ljust(8, "0")[::-1], 2) for start in range(0, len(stream), 8))
    np.testing.assert_array_equal(unpack(data, bits, len(wanted), signed), wanted)


def test_classify_gives_a_label_and_its_probability(tmp_path: Path):
    with without_noise():
        program = mb.program(input_specs=[mb.TensorSpec((1, 3))])(lambda x: mb.softmax(x=x, name="p"))
        config = ct.ClassifierConfig(["体育", "财经", "教育"], predicted_probabilities_output="p")
        model = ct.convert(program, convert_to="mlprogram", classifier_config=config, skip_model_load=True)
        model.save(str(tmp_path / "model.mlpackage"))
    outputs = load(tmp_path / "model.mlpackage").predict({"x": np.array([[0.0, 2.0, 1.0]], np.float32)})
    assert outputs["classLabel"] == "财经"
    assert outputs["classLabel_probs"] == pytest.approx({"体育": 0.090, "财经": 0.665, "教育": 0.245}, abs=1e-3)


def test_every_operator_is_tested():
    said = {name.split(",")[0].split(" ")[0] for name in (*PAIRS, *SINGLES)}
    decompression = {name for name in OPERATORS if name.startswith("constexpr_")}
    assert said | decompression | {"gather", "classify"} == OPERATORS.keys()
    assert len(decompression) == 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weight = np.random.default_rng(1).standard_normal((48, 64)).astype(np.float32)
    build = lambda x: mb.add(x=mb.linear(x=x, weight=weight), y=1.0)  # noqa: E731
    return save(build, tmp_path_factory.mktemp("whole"), {"x": np.zeros((2, 64), np.float32)})


@pytest.fixture
def package(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model.mlpackage"))


def rewrite(package: Path, change) -> None:
    file = package / "Data/com.apple.CoreML/model.mlmodel"
    message = Model_pb2.Model()
    message.ParseFromString(file.read_bytes())
    change(message, message.mlProgram.functions["main"].block_specializations["CoreML6"])
    file.write_bytes(message.SerializeToString())


def last(block):
    return block.operations[-1]


DAMAGES = {
    "operator conv is not known; known are: add, .*transpose": lambda _, block: setattr(last(block), "type", "conv"),
    r"operation \d+ \(add\).*: z is not known; parameters are: x, y": lambda _, block: (
        last(block).inputs["z"].CopyFrom(last(block).inputs["x"])
    ),
    "y is missing": lambda _, block: last(block).inputs.pop("y"),
    "nothing before it gives 'ghost'": lambda _, block: setattr(last(block).inputs["x"].arguments[0], "name", "ghost"),
    "no operation gives the outputs ghost": lambda _, block: block.outputs.append("ghost"),
    "declared is FLOAT16, the operator gives FLOAT32": lambda _, block: setattr(
        last(block).outputs[0].type.tensorType, "dataType", 10
    ),
    "type FLOAT64 is not executed": lambda _, block: setattr(last(block).outputs[0].type.tensorType, "dataType", 12),
    "a flexible shape is not executed": lambda _, block: (
        last(block).outputs[0].type.tensorType.dimensions[0].unknown.SetInParent()
    ),
    "holds a nameless model; wanted is an mlProgram": lambda message, _: message.ClearField("mlProgram"),
    "has no operations in its default function": lambda message, _: setattr(
        message.description, "defaultFunctionName", "other"
    ),
}


@pytest.mark.parametrize("said", DAMAGES)
def test_a_package_that_is_not_as_it_should_be_is_refused(said: str, package: Path):
    rewrite(package, DAMAGES[said])
    with pytest.raises(InputError, match=said):
        load(package)


def test_a_declared_shape_is_enforced(package: Path):
    def lengthen(_, block):
        last(block).outputs[0].type.tensorType.dimensions[0].constant.size = 3

    rewrite(package, lengthen)
    with pytest.raises(InputError, match=r"declared is \(3, 48\) in torch.float32, got \(2, 48\)"):
        load(package).predict({"x": np.zeros((2, 64), np.float32)})


@pytest.mark.parametrize("keep", [0, 70, 5000])
def test_short_weights_are_refused(keep: int, package: Path):
    file = package / "Data/com.apple.CoreML/weights/weight.bin"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"weight\.bin (ends before byte|has no whole weight at byte) 64"):
        load(package)


def test_weights_that_are_no_weights_are_refused(package: Path):
    file = package / "Data/com.apple.CoreML/weights/weight.bin"
    file.write_bytes(bytes(len(file.read_bytes())))
    with pytest.raises(InputError, match="has no whole weight at byte 64"):
        load(package)


def test_files_that_are_no_package_are_refused(package: Path, tmp_path: Path):
    (package / "Data/com.apple.CoreML/model.mlmodel").write_bytes(b"\xff" * 99)
    with pytest.raises(InputError, match="is not a Core ML model"):
        load(package)
    (package / "Manifest.json").write_text("[]")
    with pytest.raises(InputError, match=r"is not an \.mlpackage: Manifest\.json is missing or damaged"):
        load(package)
    with pytest.raises(InputError, match=r"Manifest\.json is missing"):
        load(tmp_path / "nowhere.mlpackage")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"z": X}, "inputs are z; wanted are x"),
        ({"x": np.zeros((3, 64), np.float32)}, r"input x is \(3, 64\) float32; wanted is \(2, 64\) FLOAT32"),
        ({"x": np.zeros((2, 64), np.int64)}, r"input x is \(2, 64\) int64; wanted is \(2, 64\) FLOAT32"),
    ],
)
def test_inputs_that_are_not_declared_so_are_refused(inputs, said: str, whole: Path):
    with pytest.raises(InputError, match=said):
        load(whole).predict(inputs)


def test_coremltools_speaks_again_after_its_import():
    logger = logging.getLogger("coremltools")
    with quiet_coremltools():
        assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.WARNING)
