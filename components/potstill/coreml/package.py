"""Opening what Core ML saves: a .mlpackage folder, or a single .mlmodel file of the days before.

A package is a folder with a manifest that names the model file, and the weights beside it. A pipeline holds whole
models inside its own; each of them is a package, too, with a weight file of its own name.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from potstill.coreml.damage import damage_at
from potstill.coreml.digests import require_inside, require_within
from potstill.coreml.mlprogram.weights import WeightFile
from potstill.coreml.quiet import quiet_coremltools
from potstill.errors import DamagedError, InputError

with quiet_coremltools():
    from coremltools.proto import Model_pb2

MANIFEST = "Manifest.json"
PROGRAM = "mlProgram"
PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")
NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")
BESIDE = "@model_path/"  # how a value names a file of its package


@dataclass(frozen=True)
class Package:
    """An opened package.

    Attributes:
        path: the package's folder or file; of a pipeline's part, that of the whole with the part's place behind it.
        model: the `CoreML.Specification.Model` message: description, metadata and what is executed.
        folder: where the weight files lie.
        weights: what the values of a program refer to.
    """

    path: Path
    model: Any
    folder: Path
    weights: WeightFile

    @property
    def kind(self) -> str:
        """The type of model, as the format names it: mlProgram, pipeline, neuralNetworkClassifier …."""
        return str(self.model.WhichOneof("Type") or "nameless")

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of a program's functions; () for another type of model."""
        return tuple(sorted(self.model.mlProgram.functions)) if self.kind == PROGRAM else ()

    @property
    def default(self) -> str:
        """Name of the function that a prediction calls where none is named."""
        return str(self.model.description.defaultFunctionName or "main")

    @property
    def function(self) -> Any:
        """The function that a prediction calls where none is named."""
        return self.function_named()

    @property
    def block(self) -> Any:
        """The operations of that function."""
        return self.block_of()

    def function_named(self, name: str = "") -> Any:
        """Return a program's function; the default one where no name is given.

        Raises:
            InputError: there is no such function.
        """
        if not name and self.default not in self.functions:
            raise InputError(f"{self.path} has no operations in its default function {self.default}; export it again")
        if name and name not in self.functions:
            raise InputError(
                f"{self.path} has no function {name}; functions are: {', '.join(self.functions) or 'none'}"
            )
        return self.model.mlProgram.functions[name or self.default]

    def block_of(self, name: str = "") -> Any:
        """Return the operations of a function, for the operator set that it was written for.

        Raises:
            InputError: there is no such function, or it has no operations.
        """
        function = self.function_named(name)
        blocks = function.block_specializations
        if function.opset not in blocks or not blocks[function.opset].operations:
            said = f"function {name}" if name else f"its default function {self.default}"
            raise InputError(f"{self.path} has no operations in {said}; export it again")
        return blocks[function.opset]

    def described(self, name: str = "") -> Any:
        """Return what a function says about its features: a message with `input`, `output` and `predictedFeatureName`.

        Args:
            name: of the function; empty: the default one, or the model as a whole where it has no functions.
        """
        wanted = name or self.default
        return next((each for each in self.model.description.functions if each.name == wanted), self.model.description)

    @property
    def parts(self) -> tuple["Package", ...]:
        """The models of a pipeline, in the order in which they run; () for another type of model."""
        if self.kind not in PIPELINES:
            return ()
        holder = getattr(self.model, self.kind)
        pipeline = holder if self.kind == "pipeline" else holder.pipeline
        return tuple(
            _package(Path(f"{self.path}, {_place(number, pipeline)}"), model, self.folder)
            for number, model in enumerate(pipeline.models)
        )


def open_package(path: Path) -> Package:
    """Read a package's manifest and model, of whatever type; weights are read later, where they are asked for.

    Args:
        path: a .mlpackage folder or a .mlmodel file.

    Raises:
        InputError: neither of the two, or a damaged one; also a file that is not the one whose sha256 it names.
    """
    file = path if path.is_file() else path / "Data" / _model_file(path)
    model = _model(file)
    if path != file:
        require_inside(path, model.description.metadata.userDefined)
    with damage_at(str(path)):
        return _package(path, model, file.parent / "weights")


def _model(file: Path) -> Any:
    model = Model_pb2.Model()
    try:
        content = file.read_bytes()
        model.ParseFromString(content)
    except (OSError, ValueError, DecodeError) as broken:  # ValueError: a name that no file can have
        raise InputError(f"{file} is not a Core ML model ({broken}); export it again") from broken
    if not content:
        raise DamagedError(f"{file} is empty; export it again")
    return model


def _package(path: Path, model: Any, folder: Path) -> Package:
    return Package(path, model, folder, WeightFile(folder / _weight_name(model)))


def _model_file(path: Path) -> str:
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        inside = str(manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as broken:
        raise InputError(f"{path} is not an .mlpackage: {MANIFEST} is missing or damaged ({broken!r})") from broken
    require_within(path, inside)
    return inside


def _place(number: int, pipeline: Any) -> str:
    name = pipeline.names[number] if number < len(pipeline.names) else ""
    return f"model {number} ({name})" if name else f"model {number}"


def _weight_name(model: Any) -> str:
    """Name of the file in `weights/` that a model's values refer to; coremltools gives each part of a pipeline one."""
    functions = model.mlProgram.functions.values() if model.WhichOneof("Type") == PROGRAM else ()
    blocks = (block for function in functions for block in function.block_specializations.values())
    stored = (name for block in blocks for name in _stored(block))
    return Path(next(stored, "").removeprefix(BESIDE)).name or "weight.bin"


def _stored(block: Any) -> Iterator[str]:
    """Yield the file that each stored value of a block lies in."""
    for operation in block.operations:
        bound = (each.value for given in operation.inputs.values() for each in given.arguments)
        for value in (*operation.attributes.values(), *bound):
            if value.WhichOneof("value") == "blobFileValue":
                yield value.blobFileValue.fileName
        for inner in operation.blocks:
            yield from _stored(inner)
