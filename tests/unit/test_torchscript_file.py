"""TorchScript files: they answer as their model on any shape, name nothing of the machine, and repeat byte for byte."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedModel

import potstill
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.pruned import PrunedBertConfig
from potstill.encoder.quantized_linears import load_quantized
from potstill.errors import InputError
from potstill.onnx_export.files.torchscript_file import open_torchscript, read_facts, write_torchscript
from potstill.qat.fake_quant import QatLinear
from tests.pruned_models import UNEVEN, uneven

NAMES = ("input_ids", "attention_mask", "token_type_ids")
FACTS = {"labels": ["体育", "财经"], "max_length": 32, "checkpoint": "0" * 64}
VOCABULARY = 90
SHAPE = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64}
COMMON = {"vocab_size": VOCABULARY, "max_position_embeddings": 64, "initializer_range": 0.2}
OWN = {
    "bert": SHAPE,
    "electra": {**SHAPE, "embedding_size": 16},
    "albert": {**SHAPE, "embedding_size": 16},
    "roberta": SHAPE,
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "mobilebert": {
        **SHAPE,
        "embedding_size": 16,
        "intra_bottleneck_size": 16,
        "true_hidden_size": 16,
        "num_attention_heads": 2,
    },
}
# Rows and tokens. Files are traced with 2 and 16, or fewer where a model has fewer positions.
SHAPES = ((1, 1), (1, 9), (3, 15), (5, 40))


def model_of(family: str, kind: type = AutoModelForSequenceClassification) -> PreTrainedModel:
    torch.manual_seed(0)
    return kind.from_config(AutoConfig.for_model(family, **COMMON, **OWN[family])).eval()


def pruned() -> PreTrainedModel:
    torch.manual_seed(0)
    config = PrunedBertConfig(heads_per_layer=[3, 1], ffn_per_layer=[40, 24], head_size=8, **SHAPE, **COMMON)
    return AutoModelForSequenceClassification.from_config(config).eval()


def names_of(model: PreTrainedModel) -> tuple[str, ...]:
    return NAMES[:2] if model.config.model_type in ("distilbert", "roberta") else NAMES


def inputs(rows: int, tokens: int, names: tuple[str, ...] = NAMES) -> dict[str, np.ndarray]:
    """Random ids; the last row is half padding."""
    ids = np.random.default_rng(rows).integers(2, VOCABULARY, (rows, tokens))
    mask = np.ones_like(ids)
    mask[-1, (tokens + 1) // 2 :] = 0
    segments = np.cumsum(ids > VOCABULARY // 2, axis=1) % 2
    return {name: value for name, value in zip(NAMES, (ids, mask, segments), strict=True) if name in names}


def answer(model: PreTrainedModel, given: Mapping[str, np.ndarray], output: str = "logits") -> np.ndarray:
    with torch.inference_mode():
        return getattr(model(**{name: torch.from_numpy(value) for name, value in given.items()}), output).numpy()


def require_same(model: PreTrainedModel, path: Path, output: str = "logits", longest: int = 64) -> None:
    run, names = open_torchscript(path), names_of(model)
    for rows, tokens in SHAPES:
        given = inputs(rows, min(tokens, longest), names)
        np.testing.assert_array_equal(run(given), answer(model, given, output))
        every = {**given, "attention_mask": np.ones_like(given["input_ids"])}
        np.testing.assert_allclose(run(every), answer(model, every, output), atol=2e-6)


@pytest.mark.parametrize("family", OWN)
@pytest.mark.parametrize(
    ("kind", "output"), [(AutoModelForSequenceClassification, "logits"), (AutoModel, "last_hidden_state")]
)
def test_every_family_answers_as_its_model_on_any_shape(tmp_path: Path, family: str, kind: type, output: str) -> None:
    model = model_of(family, kind)
    write_torchscript(model, names_of(model), output, tmp_path / "model.ts.pt", FACTS)
    require_same(model, tmp_path / "model.ts.pt", output)


@pytest.mark.parametrize("shape", UNEVEN)
def test_every_pruned_shape_does(tmp_path: Path, shape: str) -> None:
    model = uneven(shape, VOCABULARY).eval()
    write_torchscript(model, NAMES, "logits", tmp_path / "model.ts.pt", FACTS)
    require_same(model, tmp_path / "model.ts.pt", longest=model.config.max_position_embeddings)


def test_int8_with_standing_ranges_does(tmp_path: Path, quantized_checkpoint: Path) -> None:
    model = load_quantized(quantized_checkpoint)
    write_torchscript(model, NAMES, "logits", tmp_path / "model.ts.pt", FACTS)
    require_same(model, tmp_path / "model.ts.pt")
    given = inputs(3, 15)
    assert not np.allclose(answer(model, given), answer(load_classifier(quantized_checkpoint), given), atol=1e-4)


def test_inputs_have_names_and_an_order(tmp_path: Path) -> None:
    model, names = model_of("bert"), ("attention_mask", "token_type_ids", "input_ids")
    write_torchscript(model, names, "logits", tmp_path / "model.ts.pt", FACTS)
    with pytest.warns(DeprecationWarning, match="torch.jit.load"):
        function = torch.jit.load(tmp_path / "model.ts.pt")
    given = inputs(2, 7)
    tensors = {name: torch.from_numpy(value) for name, value in given.items()}
    np.testing.assert_array_equal(function(*(tensors[name] for name in names)).detach(), answer(model, given))
    np.testing.assert_array_equal(function(**tensors).detach(), answer(model, given))


def test_facts_are_told_without_opening_the_model(tmp_path: Path) -> None:
    write_torchscript(model_of("roberta"), NAMES[:2], "logits", tmp_path / "model.ts.pt", FACTS)
    assert read_facts(tmp_path / "model.ts.pt") == {**FACTS, "inputs": list(NAMES[:2]), "output": "logits"}


def test_writing_leaves_a_model_as_it_was_and_draws_no_random_number(tmp_path: Path) -> None:
    model = model_of("bert").train()
    model.classifier.requires_grad_(False)
    before, state = [each.requires_grad for each in model.parameters()], torch.get_rng_state()
    write_torchscript(model, NAMES, "logits", tmp_path / "model.ts.pt", FACTS)
    assert torch.equal(torch.get_rng_state(), state)
    assert [each.requires_grad for each in model.parameters()] == before
    require_same(model.eval(), tmp_path / "model.ts.pt")  # so dropout was off


def test_shared_weights_are_kept_once(tmp_path: Path) -> None:
    """ALBERT's layers are one layer."""
    model = model_of("albert")
    write_torchscript(model, NAMES, "logits", tmp_path / "model.ts.pt", FACTS)
    weights = 4 * sum(each.numel() for each in model.parameters())
    with zipfile.ZipFile(tmp_path / "model.ts.pt") as archive:
        kept = sum(each.file_size for each in archive.infolist() if "/constants/" in each.filename)
    assert kept < 1.05 * weights


def records(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("make", [pruned, lambda: model_of("mobilebert")])
def test_no_path_and_no_source_line_is_left(tmp_path: Path, make) -> None:
    write_torchscript(make(), NAMES, "logits", tmp_path / "model.ts.pt", FACTS)
    found = records(tmp_path / "model.ts.pt")
    assert {name.split("/")[0] for name in found} == {"archive"}
    assert any(name.startswith("archive/code/") for name in found)
    folders = {Path(each.__file__).parent for each in (potstill, transformers, torch)} | {Path.cwd(), tmp_path}
    for name, content in found.items():
        assert not name.endswith("debug_pkl")
        assert not any(str(folder).encode() in content for folder in folders), name
        assert not any(word in content for word in (b"site-packages", b".py:", b'.py"', b"modeling_", b"# /")), name


@pytest.fixture
def plain(tmp_path: Path) -> dict[str, bytes]:
    """The records of what torch itself writes."""
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), tmp_path / "plain.pt")
    return records(tmp_path / "plain.pt")


def test_records_for_error_messages_do_hold_them(plain: dict[str, bytes]) -> None:
    assert any(b"site-packages" in content and b".py" in content for content in plain.values())


def test_operators_keep_the_meaning_of_their_version(tmp_path: Path, plain: dict[str, bytes]) -> None:
    """Torch tells by the version what an operator meant when it was written: GELU got its present meaning in 10."""
    assert plain["plain/version"] == b"3\n"  # what a copy gets that does not ask
    write_torchscript(model_of("bert"), NAMES, "logits", tmp_path / "model.ts.pt", FACTS)
    found = records(tmp_path / "model.ts.pt")
    versions = [content for name, content in found.items() if name.endswith("version")]
    assert versions == [b"10\n"]


WRITE = """
import sys
from pathlib import Path
from potstill.encoder.checkpoint import load_classifier
from potstill.onnx_export.files.torchscript_file import write_torchscript
names = ("input_ids", "attention_mask", "token_type_ids")
write_torchscript(load_classifier(Path(sys.argv[1])), names, "logits", Path(sys.argv[2]), {"labels": ["a", "b"]})
"""


def test_the_same_model_gives_the_same_bytes(tmp_path: Path, tiny_checkpoint: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    files = [tmp_path / "model.ts.pt", tmp_path / "other.pt", tmp_path / "elsewhere" / "model.ts.pt"]
    for path in files:
        write_torchscript(load_classifier(tiny_checkpoint), NAMES, "logits", path, {"labels": ["a", "b"]})
    files.append(tmp_path / "elsewhere" / "process.pt")
    command = [sys.executable, "-W", "ignore", "-c", WRITE, str(tiny_checkpoint), str(files[-1])]
    subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": "1"}, cwd=tmp_path, check=True)
    assert len({path.read_bytes() for path in files}) == 1


def test_ranges_that_still_move_are_refused(tmp_path: Path) -> None:
    model = model_of("bert")
    model.classifier = QatLinear(model.classifier, (-1.0, 1.0), learned=False)
    with pytest.raises(ValueError, match="have no scales that stand"):
        write_torchscript(model, NAMES, "logits", tmp_path / "model.ts.pt", FACTS)
    assert not (tmp_path / "model.ts.pt").exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("no archive", encoding="utf-8")
    torch.save({"weight": torch.ones(1)}, tmp_path / "state.pt")
    for name in ("text.pt", "state.pt"):
        with pytest.raises(InputError, match=rf"{name} is no TorchScript file with facts.json"):
            open_torchscript(tmp_path / name)
