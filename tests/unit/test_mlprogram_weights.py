"""What a program says of its weights: how each lies in the file, and what it is once decompressed."""

from pathlib import Path

import numpy as np
import pytest

from potstill.coreml import load_program as load
from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.graphs.noise import without_noise
from tests.operator_cases.builder import save
from tests.operator_cases.case import mb

with quiet_coremltools():
    import coremltools as ct
    from coremltools.optimize import coreml as compression

ROWS, COLUMNS = 48, 64
UNIT = {"x": np.eye(COLUMNS, dtype=np.float32)}  # so the result of a linear is the weight itself


OPERATORS = {
    "int8": ("constexpr_affine_dequantize",),
    "int8 since iOS 18": ("constexpr_blockwise_shift_scale",),
    "palette": ("constexpr_lut_to_dense",),
    "sparse": ("constexpr_sparse_to_dense",),
    "sparse int8": ("constexpr_sparse_blockwise_shift_scale", "constexpr_sparse_to_dense"),
    "sparse palette": ("constexpr_lut_to_sparse", "constexpr_sparse_to_dense"),
    "int8 palette": ("constexpr_blockwise_shift_scale", "constexpr_lut_to_dense"),
}
WIDTH = COLUMNS * ROWS
# method → version, chain, parts, bytes in the file: data, then scales, offsets, palettes (float16), masks
KINDS = {
    "int8 symmetric": (16, "int8", ["axis", "quantized_data", "scale", "zero_point"], WIDTH + 2 * ROWS + ROWS + 4),
    "int8 affine": (18, "int8 since iOS 18", ["data", "offset", "scale"], WIDTH + 2 * ROWS + ROWS),
    "int4 blocks": (18, "int8 since iOS 18", ["data", "scale"], WIDTH // 2 + 2 * ROWS * 4),
    "4-bit palette": (18, "palette", ["indices", "lut"], WIDTH // 2 + 2 * 16),
    "vector palette": (18, "palette", ["indices", "lut", "vector_axis"], WIDTH // 4 + 2 * 2 * 16 + 4),
    "grouped palette": (18, "palette", ["indices", "lut"], WIDTH // 2 + 2 * 16 * 6),
    "sparse": (18, "sparse", ["mask", "nonzero_data"], WIDTH // 8 + WIDTH - 2),  # one fewer than half are kept
}


def compressed(method: str, folder: Path, target: str) -> tuple[Path, Path]:
    """Return a package of one linear with a compressed weight, and the same decompressed by coremltools."""
    weight = np.random.default_rng(1).standard_normal((ROWS, COLUMNS)).astype(np.float32)
    path = save(lambda x: mb.linear(x=x, weight=weight), folder, UNIT, target, "FLOAT16")
    block = {"dtype": "int4", "granularity": "per_block", "block_size": 16}
    channels = {"granularity": "per_grouped_channel", "group_size": 8}
    linear, palette = compression.OpLinearQuantizerConfig, compression.OpPalettizerConfig
    vectors = {"cluster_dim": 2, "granularity": "per_tensor"}
    ways = {
        "int8 symmetric": (compression.linear_quantize_weights, linear(mode="linear_symmetric")),
        "int8 affine": (compression.linear_quantize_weights, linear(mode="linear")),
        "int4 blocks": (compression.linear_quantize_weights, linear(mode="linear_symmetric", **block)),
        "4-bit palette": (compression.palettize_weights, palette(mode="uniform", nbits=4)),
        "6-bit palette": (compression.palettize_weights, palette(mode="uniform", nbits=6)),
        "grouped palette": (compression.palettize_weights, palette(mode="uniform", nbits=4, **channels)),
        "vector palette": (compression.palettize_weights, palette(mode="kmeans", nbits=4, **vectors)),
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
    "vector palette": ("iOS18",),
}


@pytest.mark.parametrize(("method", "target"), [(name, target) for name in METHODS for target in METHODS[name]])
def test_decompression_gives_the_bits_that_coremltools_gives(method: str, target: str, tmp_path: Path):
    small, dense = (load(path) for path in compressed(method, tmp_path, target))
    found, wanted = (next(iter(program.predict(UNIT).values())) for program in (small, dense))
    np.testing.assert_array_equal(found, wanted)
    assert np.abs(found).max() > 1
    weight, plain = (program.weights[0] for program in (small, dense))
    assert weight.operators
    assert plain.operators == ()
    assert plain.parts == {}
    np.testing.assert_array_equal(weight.value, plain.value)


@pytest.mark.parametrize("method", KINDS)
def test_a_weight_says_how_it_lies_in_the_file(method: str, tmp_path: Path):
    version, chain, parts, size = KINDS[method]
    weights = load(compressed(method, tmp_path, f"iOS{version}")[0]).weights
    matrices = [each for each in weights if each.shape == (ROWS, COLUMNS)]
    assert len(matrices) == 1
    assert (matrices[0].dtype, matrices[0].operators) == ("FLOAT16", OPERATORS[chain])
    assert sorted(matrices[0].parts) == parts
    assert matrices[0].stored_bytes == size
    np.testing.assert_array_equal(matrices[0].value, next(iter(load_dense(tmp_path).predict(UNIT).values())).T)


def load_dense(folder: Path):
    return load(folder / "dense.mlpackage")


JOINED = {
    "sparse int8": compression.OpLinearQuantizerConfig(mode="linear_symmetric"),
    "sparse palette": compression.OpPalettizerConfig(mode="uniform", nbits=4),
}


@pytest.mark.parametrize("method", JOINED)
def test_a_weight_that_is_compressed_twice_names_the_whole_chain(method: str, tmp_path: Path):
    path, _ = compressed("sparse", tmp_path, "iOS18")
    compress = compression.palettize_weights if "palette" in method else compression.linear_quantize_weights
    with without_noise():
        model = ct.models.MLModel(str(path), skip_model_load=True)
        twice = compress(model, compression.OptimizationConfig(JOINED[method]), joint_compression=True)
        twice.save(str(tmp_path / "twice.mlpackage"))
        compression.decompress_weights(twice).save(str(tmp_path / "dense.mlpackage"))
    weight = load(tmp_path / "twice.mlpackage").weights[0]
    assert weight.operators == OPERATORS[method]
    assert {"data_mask", "nonzero_data", "scale"} <= weight.parts.keys() or {
        "indices_mask",
        "lut",
    } <= weight.parts.keys()
    np.testing.assert_array_equal(weight.value, load_dense(tmp_path).weights[0].value)


def test_a_palette_of_int8_names_the_whole_chain(tmp_path: Path):
    path, _ = compressed("4-bit palette", tmp_path, "iOS18")
    whole = compression.OpLinearQuantizerConfig(mode="linear_symmetric", granularity="per_tensor")
    config = compression.OptimizationConfig(whole)
    with without_noise():
        model = ct.models.MLModel(str(path), skip_model_load=True)
        compression.linear_quantize_weights(model, config, joint_compression=True).save(
            str(tmp_path / "twice.mlpackage")
        )
    weight = load(tmp_path / "twice.mlpackage").weights[0]
    assert weight.operators == OPERATORS["int8 palette"]
    assert sorted(weight.parts) == ["data", "indices", "scale"]


def test_weights_are_what_is_computed_with_and_no_settings(tmp_path: Path):
    gamma, table = np.ones(4, np.float32), np.ones((7, 4), np.float32)

    def build(i):
        rows = mb.gather(x=mb.const(val=table, name="table"), indices=i)
        return mb.clip(x=mb.layer_norm(x=rows, axes=[-1], gamma=mb.const(val=gamma, name="gamma")), alpha=0.0, beta=1.0)

    weights = load(save(build, tmp_path, {"i": np.array([1, 2], np.int32)})).weights
    assert {each.name: (each.shape, each.stored_bytes) for each in weights} == {
        "table": ((7, 4), 7 * 4 * 4),
        "gamma": ((4,), 4 * 4),
    }


def test_what_was_decompressed_is_kept_once(tmp_path: Path):
    program = load(compressed("int8 symmetric", tmp_path, "iOS18")[0])
    kept = [each for each in program._constants if isinstance(each, type(program.weights[0].value))]
    assert sum(each.shape == (ROWS, COLUMNS) for each in kept) == 1
    assert any(each is program.weights[0].value for each in kept)
