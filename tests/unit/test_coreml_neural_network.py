"""Neural networks of the years before mlprograms: every type of layer against numpy or torch, and whole heads."""

from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
import torch
from google.protobuf.json_format import ParseDict
from torch.nn import functional

from potstill.coreml import load
from potstill.coreml.neural_network.layers import LAYERS
from potstill.coreml_export.graphs.noise import without_noise
from potstill.errors import InputError
from tests.coreml_models import Model_pb2, array, ct, head, save

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((2, 3, 4)).astype(np.float32)
Y = RANDOM.standard_normal((2, 3, 4)).astype(np.float32)
WIDE = RANDOM.standard_normal((1, 1, 3, 2, 4)).astype(np.float32)  # sequence, batch, channel, height, width
POSITIVE = np.abs(X) + 0.5
SMALL = np.tanh(X) * 0.9
BITS = (X > 0).astype(np.float32)
WEIGHT, BIAS = RANDOM.standard_normal((5, 4)).astype(np.float32), RANDOM.standard_normal(5).astype(np.float32)
BY_CHANNEL = RANDOM.standard_normal(2).astype(np.float32)
T, TW = torch.from_numpy(X), torch.from_numpy(WIDE)


def floats(values: np.ndarray) -> dict:
    return {"floatValue": np.asarray(values, np.float32).reshape(-1).tolist()}


def network(kind: str, given: dict, inputs: list[np.ndarray], outputs: int = 1) -> Model_pb2.Model:
    """A network of one layer, whose arrays keep their shapes."""
    model = Model_pb2.Model(specificationVersion=5)
    model.neuralNetwork.arrayInputShapeMapping = 1
    layer = model.neuralNetwork.layers.add(name="one")
    for number, each in enumerate(inputs):
        array(model.description.input, f"x{number}", each.shape)
        layer.input.append(f"x{number}")
    for number in range(outputs):
        array(model.description.output, f"y{number}", ())
        layer.output.append(f"y{number}")
    ParseDict(given, getattr(layer, kind))
    getattr(layer, kind).SetInParent()
    return model


def run(folder: Path, kind: str, given: dict, inputs: list[np.ndarray], outputs: int = 1) -> list[np.ndarray]:
    model = load(save(network(kind, given, inputs, outputs), folder / "one.mlmodel"))
    found = model.predict({f"x{number}": each for number, each in enumerate(inputs)})
    return [found[f"y{number}"] for number in range(outputs)]


def columns(weight: np.ndarray) -> dict:
    return floats(weight.T)


IDS = np.array([[2], [0], [3]], np.float32)
SIGMOID = 1 / (1 + np.exp(-X))
PER_CHANNEL = BY_CHANNEL[:, None, None]
LAYER_NORM = functional.layer_norm(T, (4,), torch.from_numpy(WEIGHT[0]), torch.from_numpy(WEIGHT[1]), 1e-3)
LEAKY = np.where(X >= 0, X, 0.3 * X)

# type of layer: [(parameters, inputs, wanted)]; wanted is a list where a layer has several results
CASES: dict[str, list] = {
    "innerProduct": [
        ({"inputChannels": 4, "outputChannels": 5, "weights": floats(WEIGHT)}, [X], X @ WEIGHT.T),
        (
            {"inputChannels": 4, "outputChannels": 5, "hasBias": True, "weights": floats(WEIGHT), "bias": floats(BIAS)},
            [X[0, 0]],
            X[0, 0] @ WEIGHT.T + BIAS,
        ),
        (
            {
                "inputChannels": 4,
                "outputChannels": 5,
                "weights": {"float16Value": b64encode(WEIGHT.astype(np.float16).tobytes()).decode()},
            },
            [X],
            X @ WEIGHT.astype(np.float16).astype(np.float32).T,
        ),
        (
            {"inputChannels": 24, "outputChannels": 1, "weights": floats(np.arange(24))},
            [WIDE],
            (WIDE.reshape(24) @ np.arange(24)).reshape(1, 1, 1, 1, 1),
        ),
    ],
    "batchedMatmul": [
        ({"transposeB": True}, [X, Y], X @ Y.transpose(0, 2, 1)),
        (
            {
                "weightMatrixFirstDimension": 4,
                "weightMatrixSecondDimension": 5,
                "hasBias": True,
                "weights": columns(WEIGHT.T),
                "bias": floats(BIAS),
            },
            [X],
            X @ WEIGHT.T + BIAS,
        ),
    ],
    "embedding": [
        (
            {"inputDim": 4, "outputChannels": 5, "weights": floats(WEIGHT)},
            [IDS[..., None, None]],
            WEIGHT.T[[2, 0, 3]][..., None, None],
        )
    ],
    "embeddingND": [
        (
            {"vocabSize": 4, "embeddingSize": 5, "hasBias": True, "weights": floats(WEIGHT), "bias": floats(BIAS)},
            [IDS],
            WEIGHT.T[[2, 0, 3]] + BIAS,
        )
    ],
    "activation": [
        ({"linear": {"alpha": 2, "beta": 1}}, [X], 2 * X + 1),
        ({"ReLU": {}}, [X], np.maximum(X, 0)),
        ({"leakyReLU": {"alpha": 0.3}}, [X], LEAKY),
        ({"thresholdedReLU": {"alpha": 0.5}}, [X], np.where(X >= 0.5, X, 0)),
        (
            {"PReLU": {"alpha": floats(BY_CHANNEL)}},
            [X[0][:2, None]],
            np.where(X[0][:2, None] >= 0, 1, PER_CHANNEL) * X[0][:2, None],
        ),
        ({"tanh": {}}, [X], np.tanh(X)),
        ({"scaledTanh": {"alpha": 2, "beta": 3}}, [X], 2 * np.tanh(3 * X)),
        ({"sigmoid": {}}, [X], SIGMOID),
        ({"sigmoidHard": {"alpha": 0.2, "beta": 0.5}}, [X], np.clip(0.2 * X + 0.5, 0, 1)),
        ({"ELU": {"alpha": 0.7}}, [X], np.where(X >= 0, X, 0.7 * (np.exp(X) - 1))),
        ({"softsign": {}}, [X], X / (1 + np.abs(X))),
        ({"softplus": {}}, [X], np.log1p(np.exp(X))),
        (
            {"parametricSoftplus": {"alpha": floats(BY_CHANNEL), "beta": floats([1.5])}},
            [X[0][:2, None]],
            PER_CHANNEL * np.log1p(np.exp(1.5 * X[0][:2, None])),
        ),
    ],
    "gelu": [
        ({"mode": "EXACT"}, [X], functional.gelu(T)),
        ({"mode": "TANH_APPROXIMATION"}, [X], functional.gelu(T, approximate="tanh")),
        ({"mode": "SIGMOID_APPROXIMATION"}, [X], X / (1 + np.exp(-1.702 * X))),
    ],
    "clampedReLU": [({"alpha": 0.3, "beta": 0.8}, [X], np.minimum(LEAKY, 0.8))],
    "clip": [({"minVal": -0.5, "maxVal": 0.5}, [X], np.clip(X, -0.5, 0.5))],
    "softmax": [({}, [X], torch.softmax(T, 0)), ({}, [WIDE], torch.softmax(TW, 2))],
    "softmaxND": [({"axis": -1}, [X], torch.softmax(T, -1))],
    "unary": [
        ({"type": "SQRT"}, [POSITIVE], np.sqrt(POSITIVE)),
        ({"type": "RSQRT", "epsilon": 0.1}, [POSITIVE], 1 / np.sqrt(POSITIVE + 0.1)),
        ({"type": "INVERSE"}, [POSITIVE], 1 / (POSITIVE + 1e-6)),
        ({"type": "POWER", "alpha": 3}, [X], X**3),
        ({"type": "EXP", "scale": 2, "shift": 1}, [X], np.exp(2 * X + 1)),
        ({"type": "LOG"}, [POSITIVE], np.log(POSITIVE)),
        ({"type": "ABS"}, [X], np.abs(X)),
        ({"type": "THRESHOLD", "alpha": 0.2}, [X], np.maximum(X, 0.2)),
    ],
    "add": [({}, [X, Y, X], 2 * X + Y), ({"alpha": 2}, [X], X + 2)],
    "multiply": [({}, [X, Y], X * Y), ({"alpha": 2}, [X], X * 2)],
    "average": [({}, [X, Y, Y], (X + 2 * Y) / 3)],
    "max": [({}, [X, Y], np.maximum(X, Y))],
    "min": [({}, [X, Y], np.minimum(X, Y))],
    "maxBroadcastable": [({}, [X, Y[:1]], np.maximum(X, Y[:1]))],
    "minBroadcastable": [({}, [X, Y[:1]], np.minimum(X, Y[:1]))],
    "dot": [
        ({}, [WIDE, WIDE], (WIDE**2).sum(2, keepdims=True)),
        ({"cosineSimilarity": True}, [X, Y], functional.cosine_similarity(T, torch.from_numpy(Y), 0)[None]),
    ],
    "addBroadcastable": [({}, [X, Y[0]], X + Y[0])],
    "subtractBroadcastable": [({}, [X, Y[0]], X - Y[0])],
    "multiplyBroadcastable": [({}, [X, Y[0]], X * Y[0])],
    "divideBroadcastable": [({}, [X, POSITIVE], X / POSITIVE)],
    "floorDivBroadcastable": [({}, [X, POSITIVE], np.floor(X / POSITIVE))],
    "modBroadcastable": [({}, [X, POSITIVE], np.mod(X, POSITIVE))],
    "powBroadcastable": [({}, [POSITIVE, X], POSITIVE**X)],
    "logicalAnd": [({}, [BITS, BITS.transpose(0, 1, 2)[::-1].copy()], BITS * BITS[::-1])],
    "logicalOr": [({}, [BITS, BITS[::-1].copy()], np.maximum(BITS, BITS[::-1]))],
    "logicalXor": [({}, [BITS, BITS[::-1].copy()], np.abs(BITS - BITS[::-1]))],
    "logicalNot": [({}, [BITS], 1 - BITS)],
    "whereBroadcastable": [({}, [BITS, X, Y], np.where(BITS, X, Y))],
    "copy": [({}, [X], X)],
    **{
        name: [({}, [SMALL], getattr(np, numpy)(SMALL))]
        for name, numpy in {
            **{each: each for each in ("ceil", "floor", "sign", "exp2", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
            "round": "rint",
            "asin": "arcsin",
            "acos": "arccos",
            "atan": "arctan",
            "asinh": "arcsinh",
            "atanh": "arctanh",
        }.items()
    },
    "acosh": [({}, [POSITIVE + 1], np.arccosh(POSITIVE + 1))],
    "erf": [({}, [X], torch.erf(T))],
    **{
        name: [
            ({}, [BITS, BITS[::-1].copy()], compare(BITS, BITS[::-1])),
            ({"alpha": 0.2}, [X], compare(X, np.float32(0.2))),
        ]
        for name, compare in {
            "equal": np.equal,
            "notEqual": np.not_equal,
            "lessThan": np.less,
            "lessEqual": np.less_equal,
            "greaterThan": np.greater,
            "greaterEqual": np.greater_equal,
        }.items()
    },
    "batchnorm": [
        (
            {
                "channels": 2,
                "epsilon": 0.1,
                "gamma": floats([2, 3]),
                "beta": floats([1, 0]),
                "mean": floats(BY_CHANNEL),
                "variance": floats([1, 2]),
            },
            [X],
            np.array([2, 3])[:, None, None] * (X - PER_CHANNEL) / np.sqrt(np.array([1.1, 2.1])[:, None, None])
            + np.array([1, 0])[:, None, None],
        ),
        (
            {"channels": 3, "computeMeanVar": True},
            [WIDE],
            functional.batch_norm(TW[0], None, None, training=True)[None],
        ),
        (
            {"channels": 2, "computeMeanVar": True, "instanceNormalization": True},
            [X],
            functional.instance_norm(T[None], eps=1e-5)[0],
        ),
    ],
    "mvn": [
        ({"acrossChannels": True, "normalizeVariance": True}, [X], (X - X.mean()) / np.sqrt(X.var() + 1e-6)),
        ({}, [X], X - X.mean((1, 2), keepdims=True)),
    ],
    "l2normalize": [({"epsilon": 0.1}, [X], X / np.sqrt((X**2).sum() + 0.1))],
    "layerNormalization": [
        ({"normalizedShape": [4], "eps": 1e-3, "gamma": floats(WEIGHT[0]), "beta": floats(WEIGHT[1])}, [X], LAYER_NORM)
    ],
    "scale": [
        ({"shapeScale": [2], "scale": floats(BY_CHANNEL)}, [X], X * PER_CHANNEL),
        (
            {"shapeScale": [1], "scale": floats([3]), "hasBias": True, "shapeBias": [1, 3, 4], "bias": floats(Y[0])},
            [X],
            3 * X + Y[0],
        ),
    ],
    "bias": [({"shape": [2], "bias": floats(BY_CHANNEL)}, [X], X + PER_CHANNEL)],
    "reduce": [
        ({"mode": "SUM", "axis": "CHW"}, [X], X.sum(keepdims=True)),
        ({"mode": "AVG", "axis": "HW"}, [X], X.mean((1, 2), keepdims=True)),
        ({"mode": "PROD", "axis": "C"}, [X], X.prod(0, keepdims=True)),
        ({"mode": "LOGSUM", "axis": "W"}, [POSITIVE], np.log(POSITIVE + 1e-6).sum(2, keepdims=True)),
        ({"mode": "SUMSQUARE", "axis": "H"}, [X], (X**2).sum(1, keepdims=True)),
        ({"mode": "L1", "axis": "H"}, [X], np.abs(X).sum(1, keepdims=True)),
        ({"mode": "L2", "axis": "H"}, [X], np.sqrt((X**2).sum(1, keepdims=True))),
        ({"mode": "MAX", "axis": "CHW"}, [X], X.max(keepdims=True)),
        ({"mode": "MIN", "axis": "W"}, [X], X.min(2, keepdims=True)),
        ({"mode": "ARGMAX", "axis": "W"}, [X], X.argmax(2)[..., None]),
    ],
    "reduceSum": [
        ({"axes": [1, -1]}, [X], X.sum((1, 2))),
        ({"reduceAll": True, "keepDims": True}, [X], X.sum(keepdims=True)),
    ],
    "reduceMean": [({"axes": [1], "keepDims": True}, [X], X.mean(1, keepdims=True))],
    "reduceProd": [({"axes": [0, 2]}, [X], X.prod((0, 2)))],
    "reduceSumSquare": [({"axes": [0]}, [X], (X**2).sum(0))],
    "reduceL1": [({"axes": [0]}, [X], np.abs(X).sum(0))],
    "reduceL2": [({"axes": [0]}, [X], np.sqrt((X**2).sum(0)))],
    "reduceMax": [({"axes": [0, 1]}, [X], X.max((0, 1)))],
    "reduceMin": [({"axes": [0, 1]}, [X], X.min((0, 1)))],
    "reduceLogSum": [({"axes": [0]}, [POSITIVE], np.log(POSITIVE.sum(0)))],
    "reduceLogSumExp": [({"axes": [0]}, [X], np.log(np.exp(X).sum(0)))],
    "argMax": [({"axis": 1, "removeDim": True}, [X], X.argmax(1)), ({"axis": -1}, [X], X.argmax(2)[..., None])],
    "argMin": [({"axis": 1, "removeDim": True}, [X], X.argmin(1))],
    "topK": [
        ({"axis": 2, "K": 2}, [X], [-np.sort(-X)[..., :2], np.argsort(-X)[..., :2]]),
        ({"axis": 2, "K": 1, "useBottomK": True}, [X], [X.min(2, keepdims=True), X.argmin(2)[..., None]]),
    ],
    "cumSum": [
        ({"axis": 1}, [X], X.cumsum(1)),
        ({"axis": 1, "excludeFinalSum": True, "reverse": True}, [X], X[:, ::-1].cumsum(1)[:, ::-1] - X),
    ],
    "reshapeStatic": [({"targetShape": [2, -1]}, [X], X.reshape(2, 12))],
    "rankPreservingReshape": [({"targetShape": [0, -1, 6]}, [X], X.reshape(2, 2, 6))],
    "reshapeLike": [({}, [X, Y.reshape(4, 6)], X.reshape(4, 6))],
    "broadcastToLike": [({}, [X[:1], Y], np.broadcast_to(X[:1], X.shape))],
    "broadcastToStatic": [({"targetShape": [2, 3, 4]}, [X[:1]], np.broadcast_to(X[:1], X.shape))],
    "reshape": [
        ({"targetShape": [4, 3, 2]}, [WIDE], WIDE.reshape(1, 1, 4, 3, 2)),
        (
            {"targetShape": [1, 4, 3, 2], "mode": "CHANNEL_LAST"},
            [WIDE],
            WIDE.transpose(0, 1, 3, 4, 2).reshape(1, 1, 3, 2, 4).transpose(0, 1, 4, 2, 3),
        ),
    ],
    "flatten": [
        ({}, [X[None]], X.reshape(1, 24, 1, 1)),
        ({"mode": "CHANNEL_LAST"}, [X[None]], X.transpose(1, 2, 0).reshape(1, 24, 1, 1)),
    ],
    "flattenTo2D": [
        ({"axis": -1}, [X], X.reshape(6, 4)),
        ({"axis": 0}, [X], X.reshape(1, 24)),
        ({"axis": 1}, [X[0, 0]], X[0, 0][:, None]),
    ],
    "permute": [({"axis": [0, 3, 1, 2]}, [WIDE], WIDE.transpose(0, 1, 4, 2, 3)), ({}, [WIDE], WIDE)],
    "transpose": [({"axes": [2, 0, 1]}, [X], X.transpose(2, 0, 1))],
    "squeeze": [({"axes": [0]}, [WIDE], WIDE[0]), ({"squeezeAll": True}, [WIDE], WIDE[0, 0])],
    "expandDims": [({"axes": [1, -1]}, [X], X[:, None, ..., None])],
    "concat": [
        ({}, [X, Y], np.concatenate([X, Y], 0)),
        ({"sequenceConcat": True}, [WIDE, WIDE], np.concatenate([WIDE] * 2, 0)),
    ],
    "concatND": [
        ({"axis": -1}, [X, Y], np.concatenate([X, Y], 2)),
        ({"axis": 1, "interleave": True}, [X, Y], np.stack([X, Y], 2).reshape(2, 6, 4)),
    ],
    "stack": [({"axis": 1}, [X, Y], np.stack([X, Y], 1))],
    "split": [({"nOutputs": 2}, [X], [X[:1], X[1:]])],
    "splitND": [
        ({"axis": 1, "splitSizes": [1, 2]}, [X], [X[:, :1], X[:, 1:]]),
        ({"axis": -1, "numSplits": 2}, [X], [X[..., :2], X[..., 2:]]),
    ],
    "slice": [
        ({"startIndex": 1, "endIndex": -1, "stride": 1, "axis": "WIDTH_AXIS"}, [X], X[..., 1:-1]),
        ({"startIndex": 1, "endIndex": 2, "axis": "CHANNEL_AXIS"}, [X], X[1:]),
    ],
    "sliceStatic": [
        (
            {
                "beginIds": [0, 1, -1],
                "endIds": [1, 3, 0],
                "beginMasks": [False, False, False],
                "endMasks": [False, False, True],
                "strides": [1, 1, 1],
                "squeezeMasks": [True, False, False],
            },
            [X],
            X[0, 1:3, -1:],
        )
    ],
    "gather": [({"axis": 1}, [X, np.array([[2, -3]], np.float32)], X[:, [[2, 0]]])],
    "tile": [({"reps": [1, 2, 1]}, [X], np.tile(X, (1, 2, 1)))],
    "fillStatic": [({"targetShape": [2, 2], "value": 0.5}, [], np.full((2, 2), 0.5))],
    "loadConstant": [({"shape": [2, 3, 4], "data": floats(X)}, [], X[None, None])],
    "loadConstantND": [({"shape": [2, 12], "data": floats(X)}, [], X.reshape(2, 12))],
}
EVERY = [(kind, number) for kind, cases in CASES.items() for number in range(len(cases))]


@pytest.mark.parametrize(("kind", "number"), EVERY)
def test_a_layer_computes_what_the_format_says(kind: str, number: int, tmp_path: Path):
    given, inputs, wanted = CASES[kind][number]
    wanted = wanted if isinstance(wanted, list) else [wanted]
    found = run(tmp_path, kind, given, inputs, len(wanted))
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, np.asarray(theirs, np.float32), rtol=2e-6, atol=2e-6)
        assert ours.dtype == np.float32


def test_every_layer_has_a_case():
    assert CASES.keys() == LAYERS.keys()


@pytest.mark.parametrize(
    ("kind", "given", "inputs", "said"),
    [
        ("simpleRecurrent", {}, [X], r"one\.mlmodel, layer 0 one \(simpleRecurrent\): .* not known; known are: acos, "),
        ("activation", {}, [X], "an activation names no function; functions are: linear, ReLU"),
        (
            "innerProduct",
            {"inputChannels": 4, "outputChannels": 5, "weights": floats(BIAS)},
            [X],
            "a weight has 5 values",
        ),
        (
            "innerProduct",
            {
                "inputChannels": 4,
                "outputChannels": 1,
                "weights": {
                    "rawValue": "AAAAAA==",
                    "quantization": {"numberOfBits": 8, "linearQuantization": {"scale": [1, 1, 1]}},
                },
            },
            [X],
            "3 scales do not divide a weight of 4 values",
        ),
    ],
)
def test_a_layer_that_cannot_be_is_refused_with_its_place(kind, given, inputs, said, tmp_path: Path):
    with pytest.raises(InputError, match=said):
        load(save(network(kind, given, inputs), tmp_path / "one.mlmodel"))


@pytest.mark.parametrize(
    ("kind", "given", "inputs", "said"),
    [
        ("addBroadcastable", {}, [X, Y[:, :2]], r"layer 0 one \(addBroadcastable\): .*must match"),
        (
            "embeddingND",
            {"vocabSize": 4, "embeddingSize": 5, "weights": floats(WEIGHT)},
            [IDS + 1],
            r"ids must be in \[0, 4\), got 1 to 4",
        ),
        ("gather", {"axis": 1}, [X, np.array([3], np.float32)], r"\(gather\): .*out of"),
    ],
)
def test_values_that_a_layer_does_not_take_are_refused(kind, given, inputs, said, tmp_path: Path):
    with pytest.raises(InputError, match=said):
        run(tmp_path, kind, given, inputs)


@pytest.mark.parametrize(
    ("bits", "mode"),
    [(8, "linear"), (4, "linear"), (8, "linear_symmetric"), (3, "linear"), (8, "linear_lut"), (2, "linear_lut")],
)
def test_rounded_weights_are_those_of_coremltools(bits: int, mode: str, tmp_path: Path):
    """The second oracle: coremltools' own dequantization of the weights that it rounded."""
    from coremltools.models.neural_network import quantization_utils

    model = ct.models.MLModel(head(WEIGHT, BIAS, ["a", "b", "c", "d", "e"]), skip_model_load=True)
    with without_noise():
        rounded = quantization_utils.quantize_weights(model, bits, mode)
    rounded = rounded.get_spec() if hasattr(rounded, "get_spec") else rounded
    dense = Model_pb2.Model()
    dense.CopyFrom(rounded)
    quantization_utils._quantize_spec_weights(dense, 32, "_dequantize_network")
    given, held = (each.neuralNetworkClassifier.layers[0].innerProduct for each in (rounded, dense))
    assert not given.weights.floatValue
    weight = np.array(held.weights.floatValue).reshape(5, 4)
    x = X[0, :1]
    found = load(save(rounded, tmp_path / "head.mlmodel")).predict({"features": x.astype(np.float64)})
    scores = (x @ weight.T + np.array(held.bias.floatValue))[0]
    np.testing.assert_allclose(list(found["shares"].values()), np.exp(scores) / np.exp(scores).sum(), atol=1e-6)
    assert np.abs(weight - WEIGHT).max() < 2 ** (1 - bits) * np.ptp(WEIGHT)


def test_an_input_that_is_rounded_at_run_time(tmp_path: Path):
    raw = np.array([[127, -3, 5, 0]], np.int8)
    weights = {"int8RawValue": "f/0FAA==", "quantization": {"numberOfBits": 8, "linearQuantization": {"scale": [0.5]}}}
    given = {"inputChannels": 4, "outputChannels": 1, "int8DynamicQuantize": True, "weights": weights}
    step = np.abs(X[0]).max() / 127
    wanted = (np.round(X[0] / step) * step) @ (raw * 0.5).T
    np.testing.assert_allclose(run(tmp_path, "innerProduct", given, [X[0]])[0], wanted, rtol=1e-5)


@pytest.mark.parametrize("labels", [["体育", "财经", "科技", "x", "y"], [10, 20, 30, 40, 50]])
def test_a_head_gives_its_label_and_probabilities(labels: list, tmp_path: Path):
    model = load(save(head(WEIGHT, BIAS, labels), tmp_path / "head.mlmodel"))
    x = X[0, :1]
    found = model.predict({"features": x.astype(np.float64)})
    scores = (x @ WEIGHT.T + BIAS)[0]
    assert found["label"] == labels[int(scores.argmax())]
    assert found["shares"] == pytest.approx(
        dict(zip(labels, np.exp(scores) / np.exp(scores).sum(), strict=True)), abs=1e-6
    )


def test_an_updatable_head_is_executed_as_it_stands(tmp_path: Path):
    """As coremltools makes it: five axes, softmax of channels, training inputs beside the others."""
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder

    builder = NeuralNetworkBuilder([("features", datatypes.Array(4))], [("shares", None)], mode="classifier")
    builder.add_inner_product("fc", WEIGHT, BIAS, 4, 5, True, "features", "scores")
    builder.add_softmax("softmax", "scores", "shares")
    builder.set_class_labels(["a", "b", "c", "d", "e"], "label", "shares")
    builder.make_updatable(["fc"])
    builder.spec.neuralNetworkClassifier.updateParams.epochs.defaultValue = 3
    model = load(save(builder.spec, tmp_path / "head.mlmodel"))
    assert model.package.model.isUpdatable
    scores = X[0, 0] @ WEIGHT.T + BIAS
    found = model.predict({"features": X[0, 0]})
    np.testing.assert_allclose(list(found["shares"].values()), np.exp(scores) / np.exp(scores).sum(), atol=1e-6)


def test_five_axes_come_back_as_they_are_described(tmp_path: Path):
    model = network("activation", {"ReLU": {}}, [X])
    model.neuralNetwork.arrayInputShapeMapping = 0
    found = load(save(model, tmp_path / "one.mlmodel")).predict({"x0": X})["y0"]
    np.testing.assert_array_equal(found, np.maximum(X, 0))


def test_a_regressor_gives_a_number(tmp_path: Path):
    plain = network("innerProduct", {"inputChannels": 4, "outputChannels": 1, "weights": floats(WEIGHT[0])}, [X[0, 0]])
    model = Model_pb2.Model(specificationVersion=5, description=plain.description)
    model.neuralNetworkRegressor.layers.extend(plain.neuralNetwork.layers)
    model.neuralNetworkRegressor.arrayInputShapeMapping = 1
    del model.description.output[:]
    model.description.output.add(name="y0").type.doubleType.SetInParent()
    found = load(save(model, tmp_path / "one.mlmodel")).predict({"x0": X[0, 0]})["y0"]
    assert found == pytest.approx(float(X[0, 0] @ WEIGHT[0]), rel=1e-6)


def test_outputs_and_inputs_are_what_is_described(tmp_path: Path):
    model = network("activation", {"ReLU": {}}, [X])
    model.description.output[0].type.multiArrayType.shape.extend([2, 12])
    loaded = load(save(model, tmp_path / "one.mlmodel"))
    with pytest.raises(InputError, match=r"output y0 is \(2, 3, 4\); declared is \(2, 12\)"):
        loaded.predict({"x0": X})
    with pytest.raises(InputError, match=r"input x0 is 2 × 3 float32; wanted is 2 × 3 × 4 FLOAT32"):
        loaded.predict({"x0": X[..., 0]})
    with pytest.raises(InputError, match="inputs are z; wanted are x0"):
        loaded.predict({"z": X})


def test_labels_must_be_as_many_as_scores(tmp_path: Path):
    model = load(save(head(WEIGHT, BIAS, ["a", "b"]), tmp_path / "head.mlmodel"))
    with pytest.raises(InputError, match="5 scores for 2 labels"):
        model.predict({"features": X[0, :1]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda model: model.neuralNetwork.layers[0].input.__setitem__(0, "ghost"), "nothing before it gives ghost"),
        (lambda model: model.neuralNetwork.layers[0].output.__setitem__(0, "ghost"), "no layer gives the outputs y0"),
        (
            lambda model: model.description.input[0].type.imageType.SetInParent(),
            "input x0 is a imageType; wanted are arrays",
        ),
    ],
)
def test_a_network_that_does_not_fit_together_is_refused(change, said: str, tmp_path: Path):
    model = network("activation", {"ReLU": {}}, [X])
    change(model)
    with pytest.raises(InputError, match=said):
        load(save(model, tmp_path / "one.mlmodel"))


def test_values_can_be_watched(tmp_path: Path):
    seen = {}
    model = load(save(network("activation", {"ReLU": {}}, [X]), tmp_path / "one.mlmodel"))
    model.predict({"x0": X}, lambda name, value: seen.update({name: value.numpy().copy()}))
    np.testing.assert_array_equal(seen["x0"], X)
    np.testing.assert_array_equal(seen["y0"], np.maximum(X, 0))


@pytest.mark.parametrize(("dtype", "beyond"), [("FLOAT32", 1e39), ("DOUBLE", -1e300), ("INT32", 1 << 40)])
def test_entries_that_the_type_does_not_hold_are_refused(dtype: str, beyond: float, tmp_path: Path):
    """A network computes in float32, whatever its inputs are declared to be."""
    model = network("activation", {"ReLU": {}}, [X])
    array = model.description.input[0].type.multiArrayType
    array.dataType = array.ArrayDataType.Value(dtype)
    loaded = load(save(model, tmp_path / "one.mlmodel"))
    given = np.zeros(X.shape, np.int64 if dtype == "INT32" else np.float64)
    assert loaded.predict({"x0": given})["y0"].max() == 0
    given[0, 0, 0] = beyond
    with pytest.raises(InputError, match=r"input x0 has entries from .* to .*; (FLOAT|INT)32 holds fewer"):
        loaded.predict({"x0": given})


def test_a_damaged_network_is_said_in_one_line(tmp_path: Path):
    model = network("activation", {"ReLU": {}}, [X])
    model.neuralNetwork.layers[0].output.append("second")
    loaded = load(save(model, tmp_path / "one.mlmodel"))
    with pytest.raises(InputError, match=r"one\.mlmodel is damaged \(ValueError: .*\); export it again$"):
        loaded.predict({"x0": X})
