"""Packages of flexible length, of several functions, and of every family, as coremltools converts them."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    MobileBertConfig,
    RobertaConfig,
)

from potstill.coreml import load_program
from potstill.coreml.mlprogram.program import Program
from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.graphs.noise import without_noise
from potstill.errors import InputError

with quiet_coremltools():
    import coremltools as ct

SHAPE = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 48,
    "initializer_range": 0.2,
}
NARROW = {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16, "intermediate_size": 64}
FAMILIES = {
    "albert": (AlbertConfig(**SHAPE, embedding_size=16), "sdpa"),
    "bert": (BertConfig(**SHAPE), "sdpa"),
    "bert, eager": (BertConfig(**SHAPE), "eager"),
    "distilbert": (
        DistilBertConfig(vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=48),
        "sdpa",
    ),
    "electra": (ElectraConfig(**SHAPE, embedding_size=16), "eager"),
    "mobilebert": (MobileBertConfig(**{**SHAPE, **NARROW}), "eager"),
    "roberta": (RobertaConfig(**SHAPE), "sdpa"),
}
LENGTHS = {"fixed": 16, "listed": ct.EnumeratedShapes([(1, 8), (1, 16), (1, 32)]), "ranged": ct.RangeDim(4, 40, 16)}


class Logits(torch.nn.Module):
    """A classifier with one input, so that every iOS takes a list of its shapes."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=ids, attention_mask=(ids > 0).to(torch.int32)).logits


def convert(family: str, length: str, folder: Path, target: str = "iOS15", heads: int = 2) -> tuple[Path, Logits]:
    config, attention = FAMILIES[family]
    torch.manual_seed(heads)
    config.num_labels = heads
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention)
    module, ids = Logits(model.eval()), row(16)
    shape = LENGTHS[length] if length == "listed" else (1, LENGTHS[length])
    with without_noise(), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # RoBERTa compares its padding while it is traced
        made = ct.convert(
            torch.jit.trace(module, ids, check_trace=False),
            inputs=[ct.TensorType("ids", shape, dtype=np.int32)],
            outputs=[ct.TensorType("logits")],
            minimum_deployment_target=ct.target[target],
            compute_precision=ct.precision.FLOAT32,
            skip_model_load=True,
        )
        made.save(str(folder / f"{length}{heads}.mlpackage"))
    return folder / f"{length}{heads}.mlpackage", module


def row(length: int) -> torch.Tensor:
    ids = torch.randint(3, 99, (1, length), generator=torch.Generator().manual_seed(length))
    ids[0, length - 2 :] = 0
    return ids


def distance(program: Program, module: Logits, length: int) -> float:
    found = np.asarray(program.predict({"ids": row(length).numpy()})["logits"])
    with torch.inference_mode():
        return float(np.abs(found - module(row(length)).numpy()).max())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_of_any_length(family: str, tmp_path: Path):
    path, module = convert(family, "ranged", tmp_path, "iOS18" if family == "bert" else "iOS15")
    program = load_program(path)
    assert max(distance(program, module, length) for length in (16, 4, 33)) < 1e-5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("flexible")
    return {length: convert("bert", length, folder) for length in LENGTHS}


ALLOWED = {"fixed": "1 × 16", "listed": "1 × 8 or 1 × 16 or 1 × 32", "ranged": "1 × 4 to 40"}


@pytest.mark.parametrize("length", LENGTHS)
def test_an_input_says_which_shapes_it_takes(length: str, made):
    taken = load_program(made[length][0]).inputs["ids"]
    assert (taken.dtype, taken.allowed) == ("INT32", ALLOWED[length])
    assert taken.default == (1, 8 if length == "listed" else 16)
    assert taken.shape == (1, 16 if length == "fixed" else None)
    assert taken.flexible == (length != "fixed")
    assert taken.accepts((1, 16))
    assert not any(
        taken.accepts(shape) for shape in ((1, 9) if length != "ranged" else (1, 3), (1, 41), (2, 16), (16,))
    )


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_that_is_not_taken_is_refused(length: str, made):
    program = load_program(made[length][0])
    with pytest.raises(InputError, match=f"input ids is 1 × 41 int64; wanted is {ALLOWED[length]} INT32"):
        program.predict({"ids": row(41).numpy()})


def test_lengths_take_turns_in_several_threads(made):
    path, module = made["ranged"]
    program = load_program(path)
    with ThreadPoolExecutor(3) as threads:
        far = list(threads.map(lambda length: distance(program, module, length), [4, 40, 16, 5, 39, 17, 6, 38, 18]))
    assert max(far) < 1e-5


def test_each_function_of_a_package(tmp_path: Path):
    functions = {f"of_{heads}": convert("bert", "fixed", tmp_path, "iOS18", heads) for heads in (2, 3)}
    descriptor = ct.utils.MultiFunctionDescriptor()
    for name, (path, _) in functions.items():
        descriptor.add_function(str(path), "main", name)
    descriptor.default_function_name = "of_3"
    with without_noise():
        ct.utils.save_multifunction(descriptor, str(tmp_path / "both.mlpackage"))
    for name, (_, module) in functions.items():
        program = load_program(tmp_path / "both.mlpackage", name)
        assert (program.function, program.inputs["ids"].shape) == (name, (1, 16))
        assert distance(program, module, 16) < 1e-5
    default = load_program(tmp_path / "both.mlpackage")
    assert np.asarray(default.predict({"ids": row(16).numpy()})["logits"]).shape == (1, 3)
    with pytest.raises(InputError, match="has no function of_4; functions are: of_2, of_3"):
        load_program(tmp_path / "both.mlpackage", "of_4")
