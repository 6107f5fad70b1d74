"""Every format of coreml-export: the package holds the weights in their form, and computes what PyTorch computes."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from potstill.artifacts import COREML, expect
from potstill.coreml import load
from potstill.coreml.mlprogram.values import unpack
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.coreml_export.compression.affine import dividing, int4_blocks
from potstill.coreml_export.compression.colours import colours_of
from potstill.coreml_export.compression.form import pack_bits
from potstill.coreml_export.compression.palettes import int8_colours, palette
from potstill.coreml_export.compression.sparsity import largest
from potstill.coreml_export.config import LAYOUTS
from potstill.coreml_export.formats import FILES, FLOAT, FORMATS, JOINT, PALETTES, W8A8, first_target
from potstill.coreml_export.graphs.activations import Observed
from potstill.coreml_export.graphs.overflow import finite
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.coreml_session import predict_coreml
from tests.coreml_families import FAMILIES, float32_logits, make_family

RANDOM = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(24, 32, generator=RANDOM)
TARGETS = [(name, target) for name in FORMATS for target in ("iOS16", "iOS17", "iOS18") if target >= first_target(name)]


@pytest.mark.parametrize(("name", "target"), TARGETS)
def test_every_format_for_every_system_that_knows_it(
    name: str, target: str, tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path
):
    config = CoremlExportConfig(formats=name, target=target, minimum_agreement=0.5, calibration_rows=16)
    measures = export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", config)
    assert measures[f"{name}_max_abs_logit"] < (0.2 if name == W8A8 else 0.01)
    if name not in FLOAT:
        assert (measures[f"{name}_weights"], measures[f"{name}_float_weights"]) == (16, 1)
    meaning = expect(tmp_path / "package", COREML).meaning
    assert (meaning["formats"], meaning["target"]) == ({name: FILES[name]}, target)


OPERATORS = {
    "int4": ("constexpr_blockwise_shift_scale",),
    "palette4_int8": ("constexpr_lut_to_dense", "constexpr_blockwise_shift_scale"),
    "sparse_int8": ("constexpr_sparse_blockwise_shift_scale", "constexpr_sparse_to_dense"),
    "sparse_palette4": ("constexpr_lut_to_sparse", "constexpr_sparse_to_dense"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", OPERATORS)
def test_weights_lie_in_the_package_as_the_format_says(
    name: str, layout: str, tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path
):
    config = CoremlExportConfig(
        formats=name, target="iOS18", layout=layout, block_size=8, group_size=8, minimum_agreement=0.5, parity_rows=8
    )
    export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", config)
    compressed = [each for each in load(tmp_path / "package" / FILES[name]).weights if each.operators]
    assert {each.operators for each in compressed} == {OPERATORS[name]}
    assert len(compressed) == 16
    if name.startswith("sparse"):
        assert all(float((each.value == 0).float().mean()) >= 0.49 for each in compressed)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("length", ["32", "8,16,32", "3-32"])
@pytest.mark.parametrize("family", FAMILIES)
def test_lengths_layouts_and_families(family: str, length: str, layout: str, tmp_path: Path, tiny_tokens: Path):
    checkpoint = make_family(tmp_path / "checkpoint", tiny_tokens, family)
    config = CoremlExportConfig(formats="int8", target="iOS18", length=length, layout=layout, parity_rows=16)
    measures = export_coreml(checkpoint, tiny_tokens, tmp_path / "package", config)
    assert measures["int8_max_abs_logit"] < 0.01
    feature = load(tmp_path / "package" / FILES["int8"]).inputs["input_ids"]
    taken = [tokens for tokens in (2, 3, 8, 13, 16, 32, 33) if feature.accepts((1, tokens))]
    assert taken == {"32": [32], "8,16,32": [8, 16, 32], "3-32": [3, 8, 13, 16, 32]}[length]


def test_rows_are_padded_no_further_than_they_need(tmp_path: Path, tiny_checkpoint: Path, tiny_tokens: Path):
    config = CoremlExportConfig(formats="fp32", target="iOS18", length="3-32", parity_rows=8)
    export_coreml(tiny_checkpoint, tiny_tokens, tmp_path / "package", config)
    program, lengths = load(tmp_path / "package" / FILES["fp32"]), set()
    table = read_split(tiny_tokens, TEST)
    found = predict_coreml(program, table, lambda _, value: lengths.add(value.shape[-1]))
    assert set(table.lengths.tolist()) <= lengths
    np.testing.assert_allclose(found, float32_logits(load_classifier(tiny_checkpoint), tiny_tokens), atol=1e-4)


def test_values_that_float16_cannot_hold_stay_float32(tmp_path: Path, tiny_tokens: Path):
    checkpoint = make_family(tmp_path / "checkpoint", tiny_tokens, "bert", loud=5e4)
    config = CoremlExportConfig(formats="fp16,int8", parity_rows=16)
    measures = export_coreml(checkpoint, tiny_tokens, tmp_path / "package", config)
    assert measures["fp16_kept_float32"] >= 2
    assert measures["fp16_max_abs_logit"] < 0.01
    greatest = []
    row = read_split(tiny_tokens, TEST).take(np.array([0]))
    predict_coreml(load(tmp_path / "package" / FILES["int8"]), row, lambda _, value: greatest.append(value.abs().max()))
    assert 65504 < max(greatest) < float("inf")


def test_linears_that_read_such_values_are_not_rounded(tmp_path: Path, tiny_tokens: Path):
    checkpoint = make_family(tmp_path / "checkpoint", tiny_tokens, "bert", loud=5e4)
    config = CoremlExportConfig(formats="w8a8", target="iOS17", parity_rows=16, calibration_rows=16)
    assert export_coreml(checkpoint, tiny_tokens, tmp_path / "package", config)["w8a8_kept_float32"] >= 2
    program, seen = load(tmp_path / "package" / FILES["w8a8"]), Observed()
    predict_coreml(program, read_split(tiny_tokens, TEST), seen)
    assert finite(seen.ranges)
    operators = Counter(step.type for step in program.package.block.operations)
    assert 0 < operators["quantize"] < operators["linear"]


def test_a_value_that_is_no_number_is_seen_whenever_it_comes():
    for values in ([1.0, float("nan")], [float("nan"), 1.0]):
        seen = Observed()
        for value in values:
            seen("x", torch.tensor([value]))
        assert not finite(seen.ranges)


def test_int4_blocks_against_the_obvious():
    form = int4_blocks(WEIGHT, 8)
    for row in range(24):
        for block in range(4):
            part = WEIGHT[row, block * 8 : block * 8 + 8]
            scale = float(np.float16(part.abs().max() / 7))
            wanted = torch.tensor([max(-8, min(7, round(float(each) / scale))) * scale for each in part])
            torch.testing.assert_close(form.dense[row, block * 8 : block * 8 + 8], wanted)


@pytest.mark.parametrize(("length", "wanted", "block"), [(312, 32, 26), (512, 32, 32), (1201, 32, 1201), (20, 32, 20)])
def test_blocks_divide_the_width_or_are_the_row(length: int, wanted: int, block: int):
    assert dividing(length, wanted) == block


@pytest.mark.parametrize("name", PALETTES)
def test_palettes_take_the_nearest_colour(name: str):
    form = palette(WEIGHT, PALETTES[name], 8)
    assert form.colours.shape == ((3 if PALETTES[name] <= 4 else 1), 1 << PALETTES[name])
    for row in range(24):
        colours = form.colours[row * len(form.colours) // 24]
        nearest = colours[(WEIGHT[row][:, None] - colours).abs().argmin(1)]
        torch.testing.assert_close((form.dense[row] - WEIGHT[row]).abs(), (nearest - WEIGHT[row]).abs())


def test_colours_are_as_good_as_a_library_finds():
    from sklearn.cluster import KMeans

    values = np.random.default_rng(0).standard_normal(2000)

    def error(colours: np.ndarray) -> float:
        return float((np.abs(values[:, None] - colours).min(1) ** 2).sum())

    library = KMeans(16, n_init=3, random_state=0).fit(values[:, None]).cluster_centers_[:, 0]
    assert error(colours_of(values, 16)) <= 1.03 * error(library)


def test_few_values_are_their_own_colours():
    assert colours_of(np.array([3.0, 1.0, 3.0]), 4).tolist() == [1.0, 3.0, 3.0, 3.0]


def test_int8_colours_keep_their_greatest():
    form = int8_colours(palette(WEIGHT, 4))
    assert int(form.colours.abs().max()) == 127
    assert float((form.dense - palette(WEIGHT, 4).dense).abs().max()) <= form.scale / 2 + 1e-6


def test_the_largest_entries_are_kept():
    kept = largest(WEIGHT, 0.75)
    assert int(kept.sum()) == WEIGHT.numel() // 4
    assert float(WEIGHT[kept].abs().min()) >= float(WEIGHT[~kept].abs().max())
    assert int(largest(torch.ones(2, 2), 0.999).sum()) == 1


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8])
def test_packing_is_undone_by_unpacking(bits: int):
    values = (np.arange(37) % (1 << bits)).astype(np.uint8)
    np.testing.assert_array_equal(unpack(pack_bits(values, bits).tobytes(), bits, 37), values)


def test_every_joint_format_joins_two_that_are_there():
    assert len(JOINT) == 9
    assert set(FORMATS) >= set(JOINT)
