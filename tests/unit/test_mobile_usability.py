"""Mobile usability: what onnxruntime's checker finds of graphs small enough to count by hand, and what is advised."""

import json
import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from potstill.onnx_export.files.mobile_usability import (
    COREML_NETWORK,
    COREML_PROGRAM,
    NNAPI,
    Coverage,
    mobile_usability,
)

HIDDEN = 4
ANY = ("batch_size", "sequence_length")
CPU = "Run it with onnxruntime's CPU provider"


def write(path: Path, nodes: list, shape: tuple = ANY, rows: int = 8, facts: dict | None = None) -> Path:
    """A file that looks vectors up and takes them through `nodes`, from `vectors` to `logits`."""
    rng = np.random.default_rng(0)
    weights = {"table": (rows, HIDDEN), "weight": (HIDDEN, HIDDEN), "bias": (HIDDEN,)}
    constants = [
        numpy_helper.from_array(rng.normal(size=size).astype(np.float32), name) for name, size in weights.items()
    ]
    constants.append(numpy_helper.from_array(np.array(0.01, np.float32), "scale"))
    constants.append(numpy_helper.from_array(np.array(128, np.uint8), "zero"))
    used = {name for node in nodes for name in node.input} | {"table"}
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["vectors"]), *nodes],
        "classifier",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*shape, HIDDEN])],
        [each for each in constants if each.name in used],
    )
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=domains, ir_version=8)
    helper.set_model_props(model, facts or {})
    onnx.save(model, path)
    return path


def linear(source: str = "vectors", target: str = "logits") -> list:
    product, total = f"{target}_product", ["bias", f"{target}_product"]
    return [helper.make_node("MatMul", [source, "weight"], [product]), helper.make_node("Add", total, [target])]


def fused() -> list:
    return [*linear(target="wide"), helper.make_node("BiasGelu", ["wide", "bias"], ["logits"], domain="com.microsoft")]


def rounded() -> list:
    return [
        helper.make_node("QuantizeLinear", ["vectors", "scale", "zero"], ["whole"]),
        helper.make_node("DequantizeLinear", ["whole", "scale", "zero"], ["near"]),
        *linear("near"),
    ]


def test_fixed_shapes_make_the_difference(tmp_path: Path) -> None:
    found = mobile_usability(write(tmp_path / "model.onnx", linear()))
    nothing = Coverage("NO", 0, 0, 3, ())
    assert found.as_is == {
        NNAPI: nothing,
        COREML_NETWORK: nothing,
        COREML_PROGRAM: Coverage("NO", 0, 0, 3, ("ai.onnx:Gather",)),
    }
    assert found.fixed == {  # onnxruntime makes a linear of known shape a Gemm between two Reshape
        NNAPI: Coverage("YES", 1, 4, 4, ()),
        COREML_NETWORK: Coverage("YES", 1, 4, 4, ()),
        COREML_PROGRAM: Coverage("MAYBE", 1, 3, 4, ("ai.onnx:Gather",)),
    }
    assert found.dynamic_inputs == ("input_ids",)
    assert found.advice() == [
        "NNAPI: NO, 0 of 3 nodes in 0 pieces; with fixed shapes: YES, 4 of 4 nodes in 1 piece.",
        "Core ML (NeuralNetwork): NO, 0 of 3 nodes in 0 pieces; with fixed shapes: YES, 4 of 4 nodes in 1 piece.",
        "Core ML (MLProgram): NO, 0 of 3 nodes in 0 pieces; with fixed shapes: MAYBE, 3 of 4 nodes in 1 piece.",
        "NNAPI and Core ML want fixed shapes: --batch 1 --length 32 gives them.",
    ]


@pytest.mark.parametrize("make", [linear, fused, rounded])
@pytest.mark.parametrize("shape", [(1, 6), (4, 6)])
def test_a_file_of_fixed_shapes_is_taken_as_it_is(tmp_path: Path, make, shape: tuple[int, int]) -> None:
    found = mobile_usability(write(tmp_path / "fixed.onnx", make(), shape))
    assert (found.dynamic_inputs, found.as_is) == ((), found.fixed)
    assert found.fixed == mobile_usability(write(tmp_path / "model.onnx", make())).fixed
    assert not any("shapes" in line for line in found.advice())


@pytest.mark.parametrize(("shape", "fixed"), [((1, "sequence_length"), (1, 32)), (("batch_size", 6), (1, 6))])
def test_half_fixed_is_not_fixed(tmp_path: Path, shape: tuple, fixed: tuple[int, int]) -> None:
    found = mobile_usability(write(tmp_path / "half.onnx", linear(), shape))
    assert found.dynamic_inputs == ("input_ids",)
    assert found.fixed == mobile_usability(write(tmp_path / "fixed.onnx", linear(), fixed)).fixed


def test_the_length_is_the_files_own(tmp_path: Path) -> None:
    found = mobile_usability(write(tmp_path / "model.onnx", linear(), facts={"max_length": "128"}))
    assert found.length == 128
    assert any("--batch 1 --length 128" in line for line in found.advice())


def test_fused_operators_are_the_processors(tmp_path: Path) -> None:
    found = mobile_usability(write(tmp_path / "model.onnx", fused()))
    assert all("com.microsoft:BiasGelu" in each.unsupported for each in found.fixed.values())
    assert (
        "The CPU provider alone runs BiasGelu; accelerators compute in float, which fp32 gives them." in found.advice()
    )


def test_core_ml_takes_no_rounding_but_nnapi_does(tmp_path: Path) -> None:
    found = mobile_usability(write(tmp_path / "model.onnx", rounded()))
    assert (found.fixed[NNAPI].verdict, found.fixed[NNAPI].unsupported) == ("YES", ())
    assert found.fixed[COREML_NETWORK].unsupported == ("ai.onnx:DequantizeLinear", "ai.onnx:QuantizeLinear")
    assert any("ship the package of coreml-export" in line for line in found.advice())


@pytest.mark.parametrize(("rows", "told"), [(16_384, False), (16_385, True)])
def test_a_vocabulary_may_be_too_large_for_core_ml(tmp_path: Path, rows: int, told: bool) -> None:
    found = mobile_usability(write(tmp_path / "model.onnx", linear(), rows=rows))
    assert found.largest_dimension == rows
    assert any(line.startswith("A weight has 16,385 rows") for line in found.advice()) is told


def test_what_nothing_runs_well_is_for_the_processor(tmp_path: Path) -> None:
    gelu = helper.make_node("BiasGelu", ["vectors", "bias"], ["bent"], domain="com.microsoft")
    again = helper.make_node("BiasGelu", ["logits", "bias"], ["last"], domain="com.microsoft")
    assert not any(line.startswith(CPU) for line in mobile_usability(write(tmp_path / "a.onnx", linear())).advice())
    again.input[0], again.output[0] = "wide", "logits"
    found = mobile_usability(write(tmp_path / "b.onnx", [gelu, *linear("bent", "wide"), again]))
    assert {each.verdict for each in found.fixed.values()} == {"NO"}
    assert found.advice()[3:] == [
        "NNAPI and Core ML want fixed shapes: --batch 1 --length 32 gives them, which does not suffice for this file.",
        "The CPU provider alone runs BiasGelu; accelerators compute in float, which fp32 gives them.",
        "Run it with onnxruntime's CPU provider, the one an app has without asking; it runs every node.",
    ]


def test_a_record_is_plain_json_and_says_it_all(tmp_path: Path) -> None:
    found = mobile_usability(write(tmp_path / "model.onnx", linear()))
    record = found.as_record()
    assert json.loads(json.dumps(record)) == record
    assert record["fixed"][COREML_PROGRAM] == {
        "verdict": "MAYBE",
        "partitions": 1,
        "supported": 3,
        "nodes": 4,
        "unsupported": ["ai.onnx:Gather"],
    }
    assert record["advice"] == found.advice()


def test_nothing_is_logged(tmp_path: Path, capfd: pytest.CaptureFixture, caplog: pytest.LogCaptureFixture) -> None:
    handlers = list(logging.root.handlers)
    with caplog.at_level(logging.DEBUG):
        mobile_usability(write(tmp_path / "model.onnx", fused()))
    assert (capfd.readouterr(), caplog.records, logging.root.handlers) == (("", ""), [], handlers)
