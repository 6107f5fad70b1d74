"""ORT files: what onnxruntime's converter would write, in the same bytes every time; what is not known is refused."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import flatbuffers
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort

from potstill.errors import ParityError
from potstill.onnx_export.files.ort_file import write_ort, write_required_operators
from potstill.onnx_export.files.ort_same_bytes import IDENTIFIER, VERSION, _write_kernels, read_ort, same_bytes
from potstill.onnx_export.graphs.noise import without_noise

ROWS, TOKENS, HIDDEN = 50, 7, 32


def write_graph(path: Path, **save: object) -> Path:
    """An ONNX file with an embedding, two linears, GELU-like and normalising nodes, random weights and metadata."""
    rng = np.random.default_rng(0)
    weights = {"table": (ROWS, HIDDEN), "up": (HIDDEN, 64), "down": (64, HIDDEN), "gain": (HIDDEN,), "shift": (HIDDEN,)}
    steps = [
        ("Gather", ["table", "input_ids"], "vectors"),
        ("MatMul", ["vectors", "up"], "wide"),
        ("Tanh", ["wide"], "bent"),
        ("MatMul", ["bent", "down"], "narrow"),
        ("Add", ["narrow", "vectors"], "sum"),
        ("LayerNormalization", ["sum", "gain", "shift"], "logits"),
    ]
    axes = ["batch_size", "sequence_length"]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, inputs, [output]) for kind, inputs, output in steps],
        "classifier",
        [onnx.helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, axes)],
        [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [*axes, HIDDEN])],
        [
            onnx.numpy_helper.from_array(rng.normal(size=size).astype(np.float32), name)
            for name, size in weights.items()
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.helper.set_model_props(model, {"labels": '["体育", "财经"]', "max_length": "32"})
    onnx.save(model, path, **save)
    return path


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_graph(tmp_path_factory.mktemp("ort") / "model.optimized.onnx")


@pytest.fixture(scope="module")
def int8_file(float_file: Path) -> Path:
    path = float_file.with_name("model.int8.onnx")
    with without_noise():
        quantize_dynamic(float_file, path, weight_type=QuantType.QInt8)
    return path


@pytest.fixture(params=["float_file", "int8_file"])
def source(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def logits(path: Path, shape: tuple[int, int]) -> np.ndarray:
    ids = np.random.default_rng(1).integers(0, ROWS, shape)
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"input_ids": ids})[0]


def as_converted(source: Path, folder: Path, platform: str) -> bytes:
    """What onnxruntime's own converter writes."""
    folder.mkdir()
    copy = shutil.copyfile(source, folder / "model.onnx")
    with without_noise(), redirect_stdout(io.StringIO()):
        warnings.filterwarnings("ignore", message="unclosed file", category=ResourceWarning)
        convert_onnx_models_to_ort(copy, optimization_styles=[OptimizationStyle.Fixed], target_platform=platform)
    return (folder / "model.ort").read_bytes()


def test_an_ort_file_answers_as_its_source(tmp_path: Path, source: Path) -> None:
    write_ort(source, tmp_path / "model.ort")
    for shape in ((1, TOKENS), (3, 2)):
        np.testing.assert_array_equal(logits(tmp_path / "model.ort", shape), logits(source, shape))
    told = ort.InferenceSession(str(tmp_path / "model.ort")).get_modelmeta().custom_metadata_map
    assert told["labels"] == '["体育", "财经"]'


def test_weights_beside_the_onnx_file_are_taken_in(tmp_path: Path, float_file: Path) -> None:
    outside = {"save_as_external_data": True, "location": "model.onnx.data", "size_threshold": 0}
    apart = write_graph(tmp_path / "model.onnx", **outside)
    assert (tmp_path / "model.onnx.data").stat().st_size > 4 * ROWS * HIDDEN
    (tmp_path / "alone").mkdir()
    write_ort(apart, tmp_path / "alone" / "model.ort")
    np.testing.assert_array_equal(logits(tmp_path / "alone" / "model.ort", (2, 5)), logits(float_file, (2, 5)))


def test_it_says_what_the_converter_writes(tmp_path: Path, source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_ort(source, tmp_path / "model.ort")
    assert capfd.readouterr() == ("", "")
    converted = as_converted(source, tmp_path / "converted", "arm")
    assert same_bytes(converted) == (tmp_path / "model.ort").read_bytes()
    written = (tmp_path / "model.ort").read_bytes()
    assert converted.endswith(read_ort(written).model)
    assert len(written) % 16 == 0  # so that what was aligned, counted from the end, still is


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


WRITE = """
import sys
from pathlib import Path
from potstill.onnx_export.files.ort_file import write_ort
for file in sys.argv[2:]:
    write_ort(Path(file), Path(sys.argv[1], Path(file).name).with_suffix(".ort"))
"""


def test_the_same_model_gives_the_same_bytes(tmp_path: Path, float_file: Path, int8_file: Path) -> None:
    found = {}
    for source in (float_file, int8_file):
        for number in range(20):
            write_ort(source, tmp_path / f"{number}.ort")
            found.setdefault(source.stem, set()).add(digest(tmp_path / f"{number}.ort"))
    for seed in ("1", "2"):
        folder, environment = tmp_path / seed, {**os.environ, "PYTHONHASHSEED": seed}
        folder.mkdir()
        subprocess.run([sys.executable, "-c", WRITE, folder, float_file, int8_file], env=environment, check=True)
        for source in (float_file, int8_file):
            found[source.stem].add(digest(folder / f"{source.stem}.ort"))
    assert {name: len(digests) for name, digests in found.items()} == {"model.optimized": 1, "model.int8": 1}


def forged(content: bytes, version: bytes = VERSION, more: int = 0, state: bool = False, behind: bool = False) -> bytes:
    """A file of another version, with more fields, with a session's state, or with its table behind the model."""
    source = read_ort(content)
    builder = flatbuffers.Builder(len(source.model) + 4096)
    builder.minalign = 16
    resolver = _write_kernels(builder, source.kernels) if behind else 0
    builder.Prep(16, len(source.model))
    builder.head = builder.head - len(source.model)
    builder.Bytes[builder.head : builder.head + len(source.model)] = source.model
    model = builder.Offset() - source.table
    text = builder.CreateString(version)
    builder.StartObject(4 + more)
    builder.PrependUOffsetTRelativeSlot(0, text, 0)
    builder.PrependUOffsetTRelativeSlot(1, model, 0)
    builder.PrependUOffsetTRelativeSlot(2, text if state else 0, 0)
    builder.PrependUOffsetTRelativeSlot(3, resolver, 0)
    for slot in range(4, 4 + more):
        builder.PrependUOffsetTRelativeSlot(slot, text, 0)
    builder.Finish(builder.EndObject(), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:4] + b"ORTX" + content[8:], "does not begin with ORTM"),
        (lambda _: b"", "does not begin with ORTM"),
        (lambda content: content[:60], "cannot be read"),
        (lambda content: forged(content, version=b"7"), "its version is 7"),
        (lambda content: forged(content, state=True), "it has the state of a session"),
        (lambda content: forged(content, more=1), "its InferenceSession has more fields than 4"),
        (forged, "no model or no table of types"),
        (lambda content: forged(content, behind=True), "its model is not its last part"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, float_file: Path, damage, words: str) -> None:
    write_ort(float_file, tmp_path / "model.ort")
    with pytest.raises(ParityError, match=words):
        same_bytes(damage((tmp_path / "model.ort").read_bytes()))


def test_the_needed_operators_are_those_of_all_files(tmp_path: Path, float_file: Path, int8_file: Path) -> None:
    files = [tmp_path / "model.ort", tmp_path / "model.int8.ort"]
    for source, file in zip((float_file, int8_file), files, strict=True):
        write_ort(source, file)
    write_required_operators(files, tmp_path / "one.config")
    write_required_operators(files[::-1], tmp_path / "other.config")
    text = (tmp_path / "one.config").read_text(encoding="utf-8")
    assert text == (tmp_path / "other.config").read_text(encoding="utf-8")
    assert text.splitlines() == [
        "# Operators of model.int8.ort, model.ort",
        "ai.onnx;10;MatMulInteger",
        "ai.onnx;13;Cast,DequantizeLinear,Gather,MatMul,Tanh",
        "ai.onnx;14;Mul",
        "com.microsoft;1;DynamicQuantizeMatMul,SkipLayerNormalization",
    ]
