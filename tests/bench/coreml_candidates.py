"""The packages of bench_coreml: every format of coreml-export, and what coremltools alone and `exporters` make."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import coremltools.optimize.coreml as cto

from potstill.artifacts import COREML, expect
from potstill.coreml import load
from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.coreml_export.formats import first_target
from potstill.encoder.checkpoint import PRUNED, load_classifier, read_config
from tests.coremltools_alone import compress, convert_whole, saved

ALONE = "coremltools alone"
FLOAT, BLOCKS = "fp16", "int4, blocks of 32"
INT4 = cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32)
GROUPS = cto.OpPalettizerConfig(nbits=4, granularity="per_grouped_channel", group_size=32)
# How its guide compresses a finished model, with its defaults; the smallest weights are then left as they are.
COMPRESSED: dict[str, tuple[Callable[..., object], object, str]] = {
    "int8": (cto.linear_quantize_weights, cto.OpLinearQuantizerConfig(mode="linear_symmetric"), "iOS16"),
    "palette, 4 bits": (cto.palettize_weights, cto.OpPalettizerConfig(nbits=4), "iOS16"),
    "palettes, 4 bits, groups of 32": (cto.palettize_weights, GROUPS, "iOS18"),
    BLOCKS: (cto.linear_quantize_weights, INT4, "iOS18"),
}


@dataclass(frozen=True)
class Candidate:
    """A package.

    Attributes:
        title: how the table calls it.
        name: the format, as coreml-export calls it; "" where another program made it.
        path: its folder.
    """

    title: str
    name: str
    path: Path

    @property
    def megabytes(self) -> float:
        """Everything in the package, 10^6 bytes."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file()) / 1e6

    @property
    def compressed(self) -> tuple[int, int]:
        """How many of its weights of two axes or more are compressed, and how many there are."""
        held = [each for each in load(self.path).weights if len([size for size in each.shape if size > 1]) > 1]
        return sum(bool(each.operators) for each in held), len(held)


def of_coreml_export(model: Path, tokens: Path, formats: str, layout: str, work: Path) -> list[Candidate]:
    """Write the formats, each for the oldest system that it runs on; what they cost is measured here, not refused."""
    found = []
    for name in formats.split(","):
        folder = work / name
        config = CoremlExportConfig(
            formats=name, target=first_target(name), layout=layout, tolerance=1e6, minimum_agreement=0
        )
        export_coreml(model, tokens, folder, config)
        file = expect(folder, COREML).meaning["formats"][name]
        found.append(Candidate(f"`{name}`, {config.target}", name, folder / file))
    return found


def of_coremltools(model: Path, length: int, work: Path) -> list[Candidate]:
    """Convert and compress with coremltools' defaults."""
    loaded = load_classifier(model)
    found = [_kept(convert_whole(loaded, length, "iOS16"), FLOAT, work)]
    for title, (function, settings, target) in COMPRESSED.items():
        with quiet_coremltools(), redirect_stderr(io.StringIO()):  # its progress bars have no switch
            made = compress(convert_whole(loaded, length, target), function, settings)
        found.append(_kept(made, title, work))
    return found


def _kept(converted: object, title: str, work: Path) -> Candidate:
    path = work / f"{title.replace(', ', '-').replace(' ', '-')}.mlpackage"
    saved(converted, path)
    return Candidate(f"{ALONE}: {title}", "", path)


def of_exporters(model: Path, source: Path, work: Path) -> list[Candidate]:
    """Run Hugging Face's exporters; of pruned models, which it does not know, nothing.

    Args:
        model: the checkpoint.
        source: a checkout of huggingface/exporters; it runs with the libraries of this environment.
        work: where to write.
    """
    if read_config(model).model_type in PRUNED:
        return []
    path = (work / "exporters.mlpackage").resolve()
    command = [sys.executable, "-m", "exporters.coreml", "-m", str(model.resolve()), "--feature", "text-classification"]
    environment = os.environ | {"PYTHONPATH": str((source / "src").resolve()), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"exporters failed:\n{done.stderr[-2000:]}")
    return [Candidate("exporters: fp16, 128 tokens", "", path)]
