"""coreml-export on tiny real models: every package computes what PyTorch computes, and its bytes repeat."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from potstill import progress
from potstill.artifacts import CHECKPOINT, COREML, Artifact, expect
from potstill.coreml import load
from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.coreml_export.compression.affine import as_float16
from potstill.coreml_export.compression.plan import modules_read, plan
from potstill.coreml_export.compression.readback import require_compressed
from potstill.coreml_export.formats import FILES, FP16, INT8
from potstill.coreml_export.table import TABLE
from potstill.data.tokens import TEST, from_rows, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.int8_weights import weighted_modules
from potstill.encoder.quantization import read_scales, snap, to_int8, weight_scale
from potstill.errors import ArtifactError, InputError, OptionError, ParityError
from potstill.licences import Licence
from potstill.measure.chunks import predict_in_chunks
from potstill.measure.coreml_session import cut, predict_coreml
from tests.conftest import LABELS, make_tokens
from tests.coreml_families import FAMILIES, float32_logits, make_family

with quiet_coremltools():
    from coremltools.converters import _converters_entry
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)

FEW = {"parity_rows": 8}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path, tiny_tokens: Path) -> Artifact:
    folder = tmp_path_factory.mktemp("made") / "exported"
    export_coreml(tiny_checkpoint, tiny_tokens, folder, CoremlExportConfig())
    return expect(folder, COREML)


@pytest.fixture(scope="module")
def from_qat(tmp_path_factory: pytest.TempPathFactory, quantized_checkpoint: Path, tiny_tokens: Path) -> Artifact:
    folder = tmp_path_factory.mktemp("made") / "from_qat"
    export_coreml(quantized_checkpoint, tiny_tokens, folder, CoremlExportConfig(formats="int8", **FEW))
    return expect(folder, COREML)


def test_packages_compute_what_pytorch_computes(exported: Artifact, tiny_checkpoint: Path, tiny_tokens: Path):
    table = read_split(tiny_tokens, TEST)
    model = load_classifier(tiny_checkpoint)
    wanted = float32_logits(model, tiny_tokens)
    found = predict_coreml(load(exported.path / FILES[FP16]), table)
    assert found.shape == (64, 2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=0.01)
    plan(INT8, model, {}, 32, CoremlExportConfig())
    found = predict_coreml(load(exported.path / FILES[INT8]), table)
    np.testing.assert_allclose(found, float32_logits(model, tiny_tokens), atol=0.01)


def test_the_artifact_says_what_it_holds(exported: Artifact, tiny_checkpoint: Path):
    meaning = exported.meaning
    assert meaning["labels"] == LABELS
    assert (meaning["max_length"], meaning["target"], meaning["formats"]) == (
        32,
        "iOS16",
        {name: FILES[name] for name in (FP16, INT8)},
    )
    assert (meaning["compressed_weights"], meaning["float_weights"]) == ({INT8: 16}, {INT8: 1})
    assert all(each["rows"] == 64 and each["max_abs_logit"] < 0.01 for each in meaning["parity"].values())
    assert exported.inputs["model"] == expect(tiny_checkpoint, CHECKPOINT).digest
    assert (exported.path / "vocab.txt").is_file()


def test_an_app_gets_a_chinese_label_and_probabilities(exported: Artifact, tiny_tokens: Path):
    program = load(exported.path / FILES[INT8])
    ids = np.zeros((1, 32), np.int32)
    ids[0, :5] = read_split(tiny_tokens, TEST).row(0)[:5]
    found = program.predict({"input_ids": ids, "attention_mask": (ids > 0).astype(np.int32), "token_type_ids": ids * 0})
    logits = found["logits"][0]
    share = np.exp(logits) / np.exp(logits).sum()
    assert found["classLabel"] == LABELS[int(logits.argmax())]
    assert found["classLabel_probs"] == pytest.approx(dict(zip(LABELS, share.tolist(), strict=True)), abs=1e-3)


def test_metadata_says_who_what_and_under_which_licence(tmp_path: Path, tiny_tokens: Path):
    licence = Licence("LicenseRef-research", "research-only")
    checkpoint = make_family(tmp_path / "checkpoint", tiny_tokens, "bert", licence)
    config = CoremlExportConfig(
        formats="fp16", author="实验室", version="2.1", compute_units="cpuAndNeuralEngine", **FEW
    )
    export_coreml(checkpoint, tiny_tokens, tmp_path / "package", config)
    metadata = load(tmp_path / "package" / FILES[FP16]).package.model.description.metadata
    assert (metadata.author, metadata.versionString) == ("实验室", "2.1")
    assert metadata.license == "Apache-2.0 AND LicenseRef-research (research-only)"
    assert metadata.shortDescription.startswith("RESEARCH-ONLY. ")
    entries = dict(metadata.userDefined)
    assert json.loads(entries["potstill.labels"]) == LABELS
    assert entries["potstill.checkpoint_digest"] == expect(checkpoint, CHECKPOINT).digest
    assert {"potstill.revision", "potstill.source", "potstill.tokens_digest"} <= entries.keys()
    assert not [name for name in entries if "date" in name]
    assert (entries["potstill.format"], entries["potstill.compute_units"]) == ("fp16", "cpuAndNeuralEngine")
    files = {name.removeprefix("potstill.sha256."): found for name, found in entries.items() if "sha256" in name}
    package = tmp_path / "package"
    places = [package / name if "/" not in name else package / FILES[FP16] / "Data" / name for name in files]
    assert {"vocab.txt", "tokenizer.json", "com.apple.CoreML/weights/weight.bin"} <= files.keys()
    assert [sha256(place.read_bytes()).hexdigest() for place in places] == list(files.values())


class Later(date):
    """Another day."""

    @classmethod
    def today(cls) -> date:
        return date(2031, 2, 3)


def test_two_exports_into_two_folders_on_two_days_have_the_same_bytes(
    exported: Artifact, tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path, monkeypatch: pytest.MonkeyPatch
):
    assert _converters_entry.date.today() != Later.today()
    monkeypatch.setattr(_converters_entry, "date", Later)
    mb.name_count.update(linear=16, cast=64, transpose=24)  # as other conversions in the same process leave it
    export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "elsewhere", CoremlExportConfig())
    assert expect(tmp_path / "elsewhere", COREML).digest == exported.digest


def test_anybody_may_read_the_files(exported: Artifact):
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in exported.path.rglob("*"))
    assert all(path.stat().st_mode & 0o111 == 0o111 for path in exported.path.rglob("*") if path.is_dir())


def test_scales_of_qat_lie_in_the_package_unchanged(from_qat: Artifact, quantized_checkpoint: Path):
    model, scales = load_classifier(quantized_checkpoint), read_scales(quantized_checkpoint)
    compressed = [each.parts for each in load(from_qat.path / FILES[INT8]).weights if each.operators]
    held = {tuple(parts["quantized_data"].flatten().tolist()): parts["scale"].float() for parts in compressed}
    assert len(held) == len(scales) == 17
    for name, each in scales.items():
        rows = slice(32) if name.endswith("position_embeddings") else slice(None)  # no text reaches the others
        data = to_int8(model.get_submodule(name).weight.data, each.weight)[rows]
        its = held[tuple(data.flatten().tolist())]  # the int8 values themselves are there, or this fails
        assert float((its - as_float16(each.weight[rows])).abs().max()) == 0.0


@pytest.mark.parametrize("target", ["iOS17", "iOS18"])
def test_later_targets(target: str, tmp_path: Path, quantized_checkpoint: Path, tiny_tokens: Path):
    measures = export_coreml(
        quantized_checkpoint, tiny_tokens, tmp_path / "package", CoremlExportConfig(target=target, **FEW)
    )
    assert measures["int8_weights"] == 17
    assert measures["fp16_max_abs_logit"] < 0.01
    assert measures["int8_max_abs_logit"] < 0.01


@pytest.mark.parametrize("target", ["iOS15", "iOS18"])
@pytest.mark.parametrize("family", FAMILIES)
def test_families(family: str, target: str, tmp_path: Path, tiny_tokens: Path):
    checkpoint = make_family(tmp_path / "checkpoint", tiny_tokens, family)
    formats = FP16 if target == "iOS15" else f"{FP16},{INT8}"
    config = CoremlExportConfig(formats=formats, target=target, parity_rows=24)
    measures = export_coreml(checkpoint, tiny_tokens, tmp_path / "package", config)
    assert all(measures[f"{name}_max_abs_logit"] < 0.01 for name in formats.split(","))
    inputs = load(tmp_path / "package" / FILES[FP16]).inputs
    assert ("token_type_ids" in inputs) == (family not in ("distilbert", "roberta"))


def test_a_shorter_length_cuts_rows_as_the_tokenizer_does(tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path):
    config = CoremlExportConfig(formats="fp16", length="8", parity_rows=16)
    export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", config)
    found = predict_coreml(load(tmp_path / "package" / FILES[FP16]), read_split(tiny_tokens, TEST))
    np.testing.assert_allclose(found, float32_logits(load_classifier(tiny_checkpoint), tiny_tokens, 8), atol=0.01)


def test_cut_keeps_the_last_token_last():
    table = from_rows([np.array([2, 7, 8, 9, 3], np.int32), np.array([2, 3], np.int32)], np.array([0, 1]))
    short = cut(table, 3)
    assert [short.row(index).tolist() for index in range(2)] == [[2, 7, 3], [2, 3]]
    assert cut(table, 5) is table


def test_weights_that_are_not_as_asked_are_named(exported: Artifact, tiny_checkpoint: Path):
    model = load_classifier(tiny_checkpoint)
    forms = plan(INT8, model, {}, 32, CoremlExportConfig())
    with pytest.raises(ParityError, match=r"model\.fp16\.mlpackage: 16 of 16 weights are not compressed as asked: "):
        require_compressed(load(exported.path / FILES[FP16]), forms, modern=False)
    other = {**forms, "classifier": replace(forms["classifier"], scale=forms["classifier"].scale * 1.5)}
    with pytest.raises(ParityError, match="1 of 16 weights are not compressed as asked: classifier;"):
        require_compressed(load(exported.path / FILES[INT8]), other, modern=False)


def test_scales_of_float_weights_are_exact_in_float16():
    weight = torch.stack([torch.linspace(-3, 2, 9), torch.zeros(9), torch.full((9,), 1e-7)])
    scale = weight_scale(weight)
    torch.testing.assert_close(scale, scale.half().float(), atol=0, rtol=0)
    assert to_int8(weight, scale)[0].abs().max() == 127
    assert float((snap(weight, scale) - weight).abs().max()) <= 3 / 127


def test_a_package_too_far_off_is_refused_with_its_worst_rows(tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path):
    config = CoremlExportConfig(formats="fp16", tolerance=1e-9, **FEW)
    with pytest.raises(ParityError, match=r"fp16: an output is off by .* \(worst rows 2-000\d\d, .*loosen --tolerance"):
        export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", config)
    with pytest.raises(ArtifactError, match="does not exist"):
        expect(tmp_path / "package", COREML)


@pytest.mark.parametrize(
    ("options", "late", "needed"),
    [
        ({"target": "iOS15"}, "int8", "iOS16"),
        ({"formats": "w8a8"}, "w8a8", "iOS17"),
        ({"formats": "fp16,int4,sparse_int8"}, "int4, sparse_int8", "iOS18"),
        ({"formats": "palette4", "group_size": 8}, "group_size", "iOS18"),
        ({"length": "16,32", "target": "iOS17"}, "length 16,32", "iOS18"),
    ],
)
def test_what_an_older_system_cannot_do_is_refused_with_the_way_out(options: dict, late: str, needed: str):
    got = options.get("target", "iOS16")
    with pytest.raises(OptionError, match=f"^{late} need {needed} or later, got target {got}; pass --target {needed}$"):
        CoremlExportConfig(**options)


@pytest.mark.parametrize(
    "wrong",
    [
        {"formats": "int3"},
        {"formats": ","},
        {"target": "iOS14"},
        {"parity_rows": 0},
        {"layout": "nchw"},
        {"compute_units": "gpu"},
        {"sparsity": 1.0},
        {"block_size": 1},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict):
    with pytest.raises(OptionError):
        CoremlExportConfig(**wrong)


def test_no_format_is_refused_in_words():
    with pytest.raises(OptionError, match=r"^formats must name at least one of fp32, fp16, int8, .*, got ''$"):
        CoremlExportConfig(formats="")


@pytest.mark.parametrize(
    ("length", "why"),
    [
        ("2", "must be at least 3"),
        ("1-8", "must be at least 3"),
        ("many", "must be like 32"),
        ("32,16", "must rise"),
        ("8-8", "must rise"),
        ("3-8-16", "two ends"),
        ("-8", "must be like"),
    ],
)
def test_a_length_that_is_none_is_refused(length: str, why: str):
    with pytest.raises(OptionError, match=rf"lengths? .*{why}.*, got '{length}'"):
        CoremlExportConfig(length=length, target="iOS18")


@pytest.mark.parametrize("length", ["65", "3-65", "32,65"])
def test_a_length_without_positions_is_refused(length: str, tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path):
    with pytest.raises(OptionError, match=rf"length must be at most 64, .*, got {length}; pass --length 64$"):
        export_coreml(
            tiny_checkpoint, tiny_tokens, tmp_path / "package", CoremlExportConfig(length=length, target="iOS18")
        )


def test_two_labels_of_one_name_are_refused(tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path):
    shutil.copytree(tiny_checkpoint, tmp_path / "checkpoint")
    manifest = tmp_path / "checkpoint" / "artifact.json"
    said = json.loads(manifest.read_text(encoding="utf-8"))
    said["meaning"]["labels"] = ["体育", "体育"]
    manifest.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(InputError, match="labels have one name: 体育; give each label a name of its own"):
        export_coreml(tmp_path / "checkpoint", tiny_tokens, tmp_path / "package", CoremlExportConfig())


def test_weights_that_no_text_passes_through_are_left_out(tmp_path: Path, tiny_tokens: Path):
    checkpoint = make_family(tmp_path / "checkpoint", tiny_tokens, "mobilebert", use_bottleneck_attention=True)
    assert len(modules_read(load_classifier(checkpoint))) < len(weighted_modules(load_classifier(checkpoint)))
    measures = export_coreml(checkpoint, tiny_tokens, tmp_path / "package", CoremlExportConfig(formats="int8", **FEW))
    assert measures["int8_max_abs_logit"] < 0.01


def changed(folder: Path, tokens: Path, change: Callable[[PreTrainedModel], None]) -> Path:
    """A tiny BERT whose weights were changed."""
    return make_family(folder, tokens, "bert", change=change)


def set_first(model: PreTrainedModel, value: float) -> None:
    model.bert.encoder.layer[0].intermediate.dense.weight.data[0, 0] = value


@pytest.mark.parametrize(
    ("value", "refusal", "why"),
    [
        (float("nan"), InputError, r"1 weights are NaN or infinite \(bert.encoder.layer.0.intermediate.dense.weight\)"),
        (7e4, ParityError, r"^int8: float16 cannot hold 1 weights \(bert.encoder.layer.0.intermediate.dense\), whose"),
    ],
)
def test_weights_that_no_package_can_hold_are_named(
    value: float, refusal: type[Exception], why: str, tmp_path: Path, tiny_tokens: Path
):
    checkpoint = changed(tmp_path / "checkpoint", tiny_tokens, lambda model: set_first(model, value))
    with pytest.raises(refusal, match=why):
        export_coreml(checkpoint, tiny_tokens, tmp_path / "package", CoremlExportConfig(formats="int8", **FEW))


def fill(model: PreTrainedModel, value: float) -> None:
    for name, parameter in model.named_parameters():
        if name.endswith(("dense.weight", "query.weight", "key.weight", "value.weight", "position_embeddings.weight")):
            parameter.data.fill_(value)


@pytest.mark.parametrize(("value", "compressed"), [(0.01, 16), (0.0, 2)])  # of zeros nothing is left to compress
def test_weights_of_one_value_keep_their_shapes(value: float, compressed: int, tmp_path: Path, tiny_tokens: Path):
    checkpoint = changed(tmp_path / "checkpoint", tiny_tokens, lambda model: fill(model, value))
    config = CoremlExportConfig(formats="int8", minimum_agreement=0, **FEW)  # every text scores alike
    measures = export_coreml(checkpoint, tiny_tokens, tmp_path / "package", config)
    assert (measures["int8_weights"], measures["int8_float_weights"]) == (compressed, 17 - compressed)
    assert measures["int8_max_abs_logit"] < 0.01


def test_tokens_of_another_vocabulary_are_refused(tmp_path: Path, tiny_checkpoint: Path, tokenizer_folder: Path):
    grown = tmp_path / "tokenizer"
    shutil.copytree(tokenizer_folder, grown)
    words = (grown / "vocab.txt").read_text(encoding="utf-8")
    (grown / "vocab.txt").write_text(words + "鑫\n", encoding="utf-8")
    (grown / "tokenizer.json").unlink()
    tokens = make_tokens(tmp_path / "tokens", grown).path
    with pytest.raises(InputError, match="potstill tokenize --data"):
        export_coreml(tiny_checkpoint, tokens, tmp_path / "package", CoremlExportConfig())


def test_the_table_tells_sizes_parity_and_advice(exported: Artifact):
    text = (exported.path / TABLE).read_text(encoding="utf-8")
    assert text.startswith("# Core ML for iOS16, texts of 32 tokens, layout standard\n")
    parity = exported.meaning["parity"][INT8]
    size = sum(file.bytes for file in exported.files if file.path.startswith(FILES[INT8])) / 1e6
    row = f"| int8 | `{FILES[INT8]}` | {size:.2f} | 16 | {parity['max_abs_logit']:.2g} |"
    assert row in text
    assert "* **layout** (fp16, int8): Hidden states are (batch, tokens, width)" in text


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no bar appear, however slow a busy machine is."""
    monkeypatch.setattr(progress, "LOG_SECONDS", 600.0)


@pytest.mark.parametrize(("length", "said"), [("8-32", "Lengths may vary"), ("8,32", "A few shapes are listed")])
def test_lengths_that_are_not_fixed_are_warned_of(
    length: str,
    said: str,
    tmp_path: Path,
    tiny_checkpoint: Path,
    tiny_tokens: Path,
    capfd: pytest.CaptureFixture[str],
    quick: None,
):
    config = CoremlExportConfig(formats="fp16", target="iOS18", length=length, **FEW)
    export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", config)
    assert capfd.readouterr().err.startswith(f"▸ {said}")


def test_nothing_but_the_measures_is_said(
    tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path, capfd: pytest.CaptureFixture[str], quick: None
):
    export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", CoremlExportConfig(**FEW))
    assert capfd.readouterr() == ("", "")


def test_threads_may_share_a_program(exported: Artifact, tiny_tokens: Path):
    program, table = load(exported.path / FILES[FP16]), read_split(tiny_tokens, TEST)
    parts = predict_in_chunks(lambda part: predict_coreml(program, part), table, 8, 4, "sharing")
    np.testing.assert_array_equal(parts, predict_coreml(program, table))
