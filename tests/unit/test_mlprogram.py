"""The interpreter of mlprograms: what it refuses and how it says so, rounding, labels, what it shows an observer."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from potstill.coreml import load as load_any
from potstill.coreml import load_program as load
from potstill.coreml.mlprogram.values import unpack
from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.graphs.noise import without_noise
from potstill.errors import DamagedError, InputError
from tests.operator_cases.builder import save

with quiet_coremltools():
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)
    from coremltools.proto import Model_pb2

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((2, 3, 4)).astype(np.float32)
Y = RANDOM.standard_normal((2, 3, 4)).astype(np.float32)
IDS = np.array([[0, 2], [-1, 1]], np.int32)


def test_gather_refuses_an_index_out_of_range(tmp_path: Path):
    program = load(save(lambda i: mb.gather(x=X, indices=i, axis=1), tmp_path, {"i": IDS}))
    with pytest.raises(InputError, match=r"\(gather, giving \w+\): INDICES|index out of range"):
        program.predict({"i": IDS + 3})


def test_float16_results_are_rounded_once_for_each_operation(tmp_path: Path):
    package = save(lambda x, y: mb.mul(x=mb.add(x=x, y=y), y=y), tmp_path, {"x": X, "y": Y}, precision="FLOAT16")
    found = next(iter(load(package).predict({"x": X, "y": Y}).values()))
    half = Y.astype(np.float16)
    np.testing.assert_array_equal(found, ((X.astype(np.float16) + half) * half).astype(np.float32))


def test_what_depends_on_constants_alone_is_computed_once(tmp_path: Path):
    program = load(save(lambda x: mb.add(x=x, y=mb.gather(x=X, indices=[1], axis=0)), tmp_path, {"x": X}))
    assert len(program._steps) == 1


@pytest.mark.parametrize(("bits", "signed"), [(1, False), (2, False), (3, False), (4, False), (4, True), (6, False)])
def test_unpacking_narrow_integers(bits: int, signed: bool):
    low = -(1 << (bits - 1)) if signed else 0
    wanted = np.arange(low, low + (1 << bits)).repeat(3)
    stream = "".join(format(value & ((1 << bits) - 1), f"0{bits}b")[::-1] for value in wanted.tolist())
    data = bytes(int(stream[start : start + 8].ljust(8, "0")[::-1], 2) for start in range(0, len(stream), 8))
    np.testing.assert_array_equal(unpack(data, bits, len(wanted), signed), wanted)


LABELS = {
    "texts": (["体育", "财经", "教育"], [0, 2, 1], "财经"),
    "numbers": ([7, 8, 9], [0, 1, 2], 9),
    "equals": (["体育", "财经", "教育"], [0, 2, 2], "财经"),
    "far apart": (["体育", "财经", "教育"], [9, -99, 0], "体育"),
}


@pytest.mark.parametrize("said", LABELS)
def test_classify_gives_a_label_and_its_probability(said: str, tmp_path: Path):
    classes, logits, best = LABELS[said]
    with without_noise():
        program = mb.program(input_specs=[mb.TensorSpec((1, 3))])(lambda x: mb.softmax(x=x, name="p"))
        config = ct.ClassifierConfig(classes, predicted_probabilities_output="p")
        model = ct.convert(program, convert_to="mlprogram", classifier_config=config, skip_model_load=True)
        model.save(str(tmp_path / "model.mlpackage"))
    outputs = load(tmp_path / "model.mlpackage").predict({"x": np.array([logits], np.float32)})
    share = np.exp(np.array(logits)) / np.exp(np.array(logits)).sum()
    assert outputs["classLabel"] == best
    assert outputs["classLabel_probs"] == pytest.approx(dict(zip(classes, share, strict=True)), abs=1e-3)


def test_an_observer_sees_every_floating_input_and_value(tmp_path: Path):
    package = save(lambda x, y: mb.exp(x=mb.mul(x=x, y=y, name="m"), name="e"), tmp_path, {"x": X, "y": Y})
    seen = {}
    found = load(package).predict({"x": X, "y": Y}, observe=lambda name, value: seen.setdefault(name, value.numpy()))
    assert list(seen) == ["x", "y", "m", "e"]
    np.testing.assert_array_equal(seen["m"], X * Y)
    np.testing.assert_array_equal(seen["e"], found["e"])


def test_an_observer_sees_what_float16_cannot_hold(tmp_path: Path):
    package = save(lambda x: mb.sub(x=mb.mul(x=x, y=x, name="m"), y=x), tmp_path, {"x": X}, precision="FLOAT16")
    seen = {}
    load(package).predict({"x": X + 300}, observe=lambda name, value: seen.setdefault(name, value.numpy()))
    assert np.isinf(next(value for name, value in seen.items() if name.startswith("m"))).all()


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
    r"function main, operation \d+ \(lstm, giving \w+\): operator lstm is not known; known are: abs, .*transpose": (
        lambda _, block: setattr(last(block), "type", "lstm")
    ),
    r"operation \d+ \(add, giving \w+\): z is not known; parameters are: x, y": lambda _, block: (
        last(block).inputs["z"].CopyFrom(last(block).inputs["x"])
    ),
    "y is missing": lambda _, block: last(block).inputs.pop("y"),
    "nothing before it gives 'ghost'": lambda _, block: setattr(last(block).inputs["x"].arguments[0], "name", "ghost"),
    "no operation gives the outputs ghost": lambda _, block: block.outputs.append("ghost"),
    "declared is FLOAT16, the operator gives FLOAT32": lambda _, block: setattr(
        last(block).outputs[0].type.tensorType, "dataType", 10
    ),
    "type FLOAT64 is not executed": lambda _, block: setattr(last(block).outputs[0].type.tensorType, "dataType", 12),
    "input x: values of stateType are not executed": lambda message, _: (
        message.mlProgram.functions["main"].inputs[0].type.stateType.SetInParent()
    ),
    "holds a nameless model; wanted is an? mlProgram": lambda message, _: message.ClearField("mlProgram"),
    "has no operations in its default function": lambda message, _: setattr(
        message.description, "defaultFunctionName", "other"
    ),
}


@pytest.mark.parametrize("said", DAMAGES)
def test_a_package_that_is_not_as_it_should_be_is_refused(said: str, package: Path):
    rewrite(package, DAMAGES[said])
    with pytest.raises(InputError, match=said):
        load(package)


def empty_scalar(_, block):
    value = next(each for each in block.operations if each.type == "const" and not _is_stored(each)).attributes["val"]
    value.type.tensorType.dataType = 2
    value.immediateValue.tensor.strings.values[:] = []


def _is_stored(operation) -> bool:
    return operation.attributes["val"].WhichOneof("value") == "blobFileValue"


WRECKS = {
    r"operation 0 \(const, giving \) is damaged \(IndexError: ": lambda _, block: block.operations[0].ClearField(
        "outputs"
    ),
    r"operation \d+ \(add, giving \w+\) is damaged \(KeyError: 9999\)": lambda _, block: setattr(
        last(block).outputs[0].type.tensorType, "dataType", 9999
    ),
    r"operation \d+ \(const, giving \w+\) is damaged \(IndexError": empty_scalar,
    r"model.mlpackage is damaged \(KeyError: 9999\)": lambda message, _: setattr(
        message.mlProgram.functions["main"].inputs[0].type.tensorType, "dataType", 9999
    ),
}


@pytest.mark.parametrize("said", WRECKS)
def test_a_wrecked_package_is_said_in_one_line_with_its_place(said: str, package: Path):
    rewrite(package, WRECKS[said])
    with pytest.raises(DamagedError, match=said) as refused:
        load(package)
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value.__cause__, LookupError)
    with pytest.raises(DamagedError, match=said):
        load_any(package)


def test_an_operation_without_its_tensor_is_refused(package: Path):
    """The first of linear's inputs may be missing for all that its signature says."""

    def drop(_, block):
        linear = next(each for each in block.operations if each.type == "linear")
        linear.inputs["x"].ClearField("arguments")

    rewrite(package, drop)
    with pytest.raises(InputError, match=r"\(linear, giving \w+\)"):
        load(package).predict({"x": np.zeros((2, 64), np.float32)})


def test_what_an_observer_raises_is_no_damage(whole: Path):
    def observe(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        load(whole).predict({"x": np.zeros((2, 64), np.float32)}, observe)


def test_floats_that_the_type_does_not_hold_are_refused(whole: Path):
    given = np.full((2, 64), np.inf)
    assert np.isnan(next(iter(load(whole).predict({"x": given}).values()))).any()
    given[0, 0] = 1e39
    with pytest.raises(InputError, match=r"input x has entries from 1e\+39 to 1e\+39; FLOAT32 holds fewer"):
        load(whole).predict({"x": given})


def test_a_declared_shape_is_enforced(package: Path):
    def lengthen(_, block):
        last(block).outputs[0].type.tensorType.dimensions[0].constant.size = 3

    rewrite(package, lengthen)
    with pytest.raises(InputError, match=r"declared is \(3, 48\) in torch.float32, got \(2, 48\)"):
        load(package).predict({"x": np.zeros((2, 64), np.float32)})


def test_an_open_dimension_takes_any_length_and_the_others_are_enforced(package: Path):
    def open_first(_, block, width: int = 48):
        shape = last(block).outputs[0].type.tensorType.dimensions
        shape[0].unknown.SetInParent()
        shape[1].constant.size = width

    rewrite(package, open_first)
    found = load(package).predict({"x": np.zeros((2, 64), np.float32)})
    assert [np.asarray(each).shape for each in found.values()] == [(2, 48)]
    rewrite(package, lambda message, block: open_first(message, block, 49))
    with pytest.raises(InputError, match=r"declared is \('any', 49\) in torch.float32, got \(2, 48\)"):
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
        ({"x": np.zeros((3, 64), np.float32)}, r"input x is 3 × 64 float32; wanted is 2 × 64 FLOAT32"),
        ({"x": np.zeros((2, 64), np.int64)}, r"input x is 2 × 64 int64; wanted is 2 × 64 FLOAT32"),
    ],
)
def test_inputs_that_are_not_declared_so_are_refused(inputs, said: str, whole: Path):
    with pytest.raises(InputError, match=said):
        load(whole).predict(inputs)


def test_ids_that_int32_does_not_hold_are_refused(tmp_path: Path):
    program = load(save(lambda i: mb.add(x=i, y=1), tmp_path, {"i": IDS}))
    with pytest.raises(InputError, match="input i has entries from 0 to 1099511627776; INT32 holds fewer"):
        program.predict({"i": np.array([[0, 1], [2, 1 << 40]])})


def test_arrays_may_be_turned_round_or_not_writable(whole: Path):
    program, given = load(whole), np.arange(128, dtype=np.float32).reshape(2, 64)
    wanted = program.predict({"x": given[::-1, ::-1].copy()})
    fixed = given.copy()
    fixed.flags.writeable = False
    for name, found in program.predict({"x": fixed[::-1, ::-1]}).items():
        np.testing.assert_array_equal(found, wanted[name])
    with pytest.raises(InputError, match="inputs are ; wanted are x"):
        program.predict({})


def test_an_input_that_may_be_left_out_has_its_default(tmp_path: Path):
    with without_noise():
        module = torch.jit.trace(Sum().eval(), (torch.zeros(2), torch.zeros(2)))
        zeros = np.full(2, 0.5, np.float32)
        inputs = [ct.TensorType("x", (2,)), ct.TensorType("y", (2,), default_value=zeros)]
        model = ct.convert(module, inputs=inputs, outputs=[ct.TensorType("sum")], skip_model_load=True)
        model.save(str(tmp_path / "model.mlpackage"))
    program = load(tmp_path / "model.mlpackage")
    assert program.inputs["y"].optional == 0.5
    np.testing.assert_array_equal(program.predict({"x": np.array([1, 2], np.float32)})["sum"], [1.5, 2.5])


class Sum(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


def test_coremltools_speaks_again_after_its_import():
    logger = logging.getLogger("coremltools")
    with quiet_coremltools():
        assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.WARNING)
