"""Opening a .mlpackage: a folder with a manifest that names the model file, and the weights beside it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from potstill.coreml.mlprogram.weights import WeightFile
from potstill.coreml.quiet import quiet_coremltools
from potstill.errors import InputError

with quiet_coremltools():
    from coremltools.proto import Model_pb2

MANIFEST = "Manifest.json"


@dataclass(frozen=True)
class Package:
    """An opened package.

    Attributes:
        path: the package's folder.
        model: the `CoreML.Specification.Model` message: description, metadata and program.
        weights: what the program's values refer to.
    """

    path: Path
    model: Any
    weights: WeightFile

    @property
    def function(self) -> Any:
        """The function that a prediction calls."""
        name = self.model.description.defaultFunctionName or "main"
        return self.model.mlProgram.functions[name]

    @property
    def block(self) -> Any:
        """The operations of that function, for the operator set that it was written for."""
        return self.function.block_specializations[self.function.opset]


def open_package(path: Path) -> Package:
    """Read a package's manifest and model; weights are read later, where they are asked for.

    Raises:
        InputError: not a package, a damaged one, or one without an mlprogram.
    """
    file = path / "Data" / _model_file(path)
    model = Model_pb2.Model()
    try:
        model.ParseFromString(file.read_bytes())
    except (OSError, DecodeError) as broken:
        raise InputError(f"{file} is not a Core ML model ({broken}); export it again") from broken
    if model.WhichOneof("Type") != "mlProgram":
        raise InputError(f"{path} holds a {model.WhichOneof('Type') or 'nameless'} model; wanted is an mlProgram")
    package = Package(path, model, WeightFile(file.parent / "weights" / "weight.bin"))
    if not package.block.operations:
        raise InputError(f"{path} has no operations in its default function; export it again")
    return package


def _model_file(path: Path) -> str:
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        return str(manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"])
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{path} is not an .mlpackage: {MANIFEST} is missing or damaged ({broken!r})") from broken
