"""Every kind of package: pipelines made by coremltools and by hand, several functions, files, refusals."""

import json
from pathlib import Path

import numpy as np
import pytest

from potstill.artifacts import sha256_of
from potstill.coreml import load, load_program
from potstill.coreml.package import open_package
from potstill.coreml_export.graphs.noise import without_noise
from potstill.errors import InputError
from tests.coreml_models import Model_pb2, ct, head, mb, program, save

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((1, 64)).astype(np.float32)
FIRST = RANDOM.standard_normal((48, 64)).astype(np.float32)
SECOND = RANDOM.standard_normal((40, 48)).astype(np.float32)
WEIGHT, BIAS = RANDOM.standard_normal((3, 48)).astype(np.float32) / 9, np.array([0.1, 0.2, 0.3], np.float32)
LABELS = ["体育", "财经", "科技"]
SCORES = (X @ FIRST.T @ WEIGHT.T + BIAS)[0]
SHARES = np.exp(SCORES - SCORES.max()) / np.exp(SCORES - SCORES.max()).sum()


def encoder(weight: np.ndarray = FIRST, reads: str = "x", gives: str = "features", target: str = "iOS16"):
    build = lambda x: mb.linear(x=x, weight=weight, name=gives)  # noqa: E731
    return program(build, {reads: (1, weight.shape[1])}, target)


def pipeline(*models):
    with without_noise():
        return ct.utils.make_pipeline(*models)


def with_head(labels=LABELS, reads: str = "features"):
    return pipeline(encoder(), ct.models.MLModel(head(WEIGHT, BIAS, labels, reads), skip_model_load=True))


@pytest.fixture
def piped(tmp_path: Path) -> Path:
    return save(with_head(), tmp_path / "piped.mlpackage")


def test_an_encoder_and_its_head_in_a_pipeline(piped: Path):
    model = load(piped)
    assert model.inputs["x"].shape == (1, 64)
    found = model.predict({"x": X})
    assert found["label"] == LABELS[int(SCORES.argmax())]
    np.testing.assert_allclose([found["shares"][label] for label in LABELS], SHARES, atol=1e-5)


def test_each_program_of_a_pipeline_has_its_own_weights(tmp_path: Path):
    made = pipeline(encoder(), encoder(SECOND, "features", "out"))
    model = load(save(made, tmp_path / "two.mlpackage"))
    assert model.outputs == ("out",)
    np.testing.assert_allclose(model.predict({"x": X})["out"], X @ FIRST.T @ SECOND.T, rtol=1e-4, atol=1e-4)
    assert [part.package.path.name for part in model.parts] == ["two.mlpackage, model 0", "two.mlpackage, model 1"]


@pytest.mark.parametrize("kind", ["pipelineClassifier", "pipelineRegressor"])
def test_pipelines_made_by_hand(kind: str, piped: Path):
    file = piped / "Data/com.apple.CoreML/model.mlmodel"
    model = Model_pb2.Model.FromString(file.read_bytes())
    parts = list(model.pipeline.models)
    getattr(model, kind).pipeline.models.extend(parts)
    getattr(model, kind).pipeline.names.extend(["encoder", "head"])
    file.write_bytes(model.SerializeToString())
    loaded = load(piped)
    assert loaded.package.kind == kind
    assert loaded.predict({"x": X})["label"] == LABELS[int(SCORES.argmax())]
    assert loaded.parts[1].package.path.name.endswith("model 1 (head)")


def test_a_pipeline_in_a_pipeline(piped: Path):
    file = piped / "Data/com.apple.CoreML/model.mlmodel"
    inner = Model_pb2.Model.FromString(file.read_bytes())
    outer = Model_pb2.Model(specificationVersion=inner.specificationVersion, description=inner.description)
    outer.pipeline.models.append(inner)
    file.write_bytes(outer.SerializeToString())
    assert load(piped).predict({"x": X})["label"] == LABELS[int(SCORES.argmax())]


def test_what_does_not_pass_between_models_is_refused_with_the_model(piped: Path):
    file = piped / "Data/com.apple.CoreML/model.mlmodel"
    model = Model_pb2.Model.FromString(file.read_bytes())
    shape = model.pipeline.models[1].description.input[0].type.multiArrayType.shape
    shape[:] = [48]
    file.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"model 1: input features is 1 × 48 float32; wanted is 48 FLOAT64"):
        load(piped).predict({"x": X})


def test_a_pipeline_whose_models_do_not_meet_is_refused(piped: Path):
    file = piped / "Data/com.apple.CoreML/model.mlmodel"
    model = Model_pb2.Model.FromString(file.read_bytes())
    model.pipeline.models.reverse()
    file.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"model 0: nothing before it gives its inputs features"):
        load(piped)
    model.pipeline.models.reverse()
    model.description.output.add(name="ghost")
    file.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"piped\.mlpackage: nothing before it gives its outputs ghost"):
        load(piped)


def test_inputs_of_a_pipeline_are_checked(piped: Path):
    with pytest.raises(InputError, match="inputs are y; wanted are x"):
        load(piped).predict({"y": X})
    with pytest.raises(InputError, match=r"model 0: input x is 1 × 3 float32; wanted is 1 × 64 FLOAT32"):
        load(piped).predict({"x": X[:, :3]})


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two functions in a package, as adapters of one encoder are shipped."""
    folder = tmp_path_factory.mktemp("several")
    names = {"short": FIRST, "other": FIRST + 1}
    description = ct.utils.MultiFunctionDescriptor()
    for name, weight in names.items():
        save(encoder(weight, target="iOS18"), folder / f"{name}.mlpackage")
        description.add_function(str(folder / f"{name}.mlpackage"), src_function_name="main", target_function_name=name)
    description.default_function_name = "short"
    with without_noise():
        ct.utils.save_multifunction(description, str(folder / "several.mlpackage"))
    return folder / "several.mlpackage"


def test_a_function_is_called_by_its_name(several: Path):
    package = open_package(several)
    assert (package.functions, package.default) == (("other", "short"), "short")
    default, named = load(several).predict({"x": X}), load(several, "other").predict({"x": X})
    np.testing.assert_allclose(default["features"], X @ FIRST.T, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(named["features"], X @ (FIRST + 1).T, rtol=1e-4, atol=1e-4)


def test_a_function_that_is_not_there_is_refused(several: Path, piped: Path):
    with pytest.raises(InputError, match=r"has no function long; functions are: other, short$"):
        load(several, "long")
    with pytest.raises(InputError, match=r"holds a pipeline model, which has no functions; leave 'long' out"):
        load(piped, "long")


def test_other_types_of_model_are_named(tmp_path: Path):
    tree = Model_pb2.Model(specificationVersion=1)
    tree.treeEnsembleClassifier.SetInParent()
    file = save(tree, tmp_path / "tree.mlmodel")
    with pytest.raises(InputError, match=r"tree\.mlmodel holds a treeEnsembleClassifier model; wanted is an mlProgram"):
        load(file)
    with pytest.raises(InputError, match=r"holds a treeEnsembleClassifier model; wanted is an mlProgram$"):
        load_program(file)


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("../../other.mlpackage/model.mlmodel", r"piped\.mlpackage names \.\./.*, which leads out of the package"),
        ("/etc/hostname", "leads out of the package"),
        ("a\0b", "is not a Core ML model"),
    ],
)
def test_a_manifest_that_names_no_file_of_the_package_is_refused(inside: str, said: str, piped: Path):
    manifest = json.loads((piped / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = inside
    (piped / "Manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=said):
        open_package(piped)


def test_a_manifest_nested_without_end_is_refused(piped: Path):
    (piped / "Manifest.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"Manifest\.json is missing or damaged"):
        open_package(piped)


def named_by_digests(package: Path) -> Path:
    """Name the files of a package by their sha256, as coreml-export does."""
    file = package / "Data/com.apple.CoreML/model.mlmodel"
    model = Model_pb2.Model.FromString(file.read_bytes())
    for weights in (package / "Data").rglob("*.bin"):
        inside = weights.relative_to(package / "Data").as_posix()
        model.description.metadata.userDefined[f"potstill.sha256.{inside}"] = sha256_of(weights)
    file.write_bytes(model.SerializeToString())
    return next((package / "Data").rglob("*.bin"))


def test_a_file_with_another_sha256_than_the_package_names_is_refused(piped: Path):
    weights = named_by_digests(piped)
    assert load(piped).predict({"x": X})["label"] == LABELS[int(SCORES.argmax())]
    content = bytearray(weights.read_bytes())
    content[-70] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match=r"bin is not the file that the package names by its sha256; export it again"):
        load(piped)
    weights.unlink()
    with pytest.raises(InputError, match=r"bin is missing, and the package names it by its sha256"):
        open_package(piped)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path):
    file = tmp_path / "text.mlmodel"
    file.write_bytes(b"\xff no model")
    with pytest.raises(InputError, match=r"text\.mlmodel is not a Core ML model"):
        load(file)
    file.write_bytes(b"")
    with pytest.raises(InputError, match=r"text\.mlmodel is empty; export it again"):
        load(file)
    with pytest.raises(InputError, match=r"is not an \.mlpackage"):
        load(tmp_path)
