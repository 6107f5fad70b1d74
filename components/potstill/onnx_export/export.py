"""What one export gave: what its artifact says, and what the stage measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potstill.artifacts import Artifact
from potstill.measure.parity import Parity
from potstill.measure.size import size_on_disk
from potstill.onnx_export.config import FILES, OnnxExportConfig
from potstill.onnx_export.graphs.formats import Built
from potstill.onnx_export.proof.proof import Proof, simulated

SHAPING = ("opset", "optimization", "target", "batch", "length")  # options that a reader of the files must know


@dataclass(frozen=True)
class Export:
    """One export.

    Attributes:
        formats: keys of config.FILES.
        facts: what an app must know, as it stands in the files.
        built: the graphs.
        mobile: by ORT format, which of a phone's accelerators would run it.
        proof: how near the files are to PyTorch.
    """

    formats: Sequence[str]
    facts: Mapping[str, Any]
    built: Built
    mobile: Mapping[str, Any]
    proof: Proof

    def meaning(self, source: Artifact, config: OnnxExportConfig) -> dict[str, Any]:
        """Return what the artifact says of itself; source: the checkpoint."""
        return {
            **{name: value for name, value in self.facts.items() if name != "checkpoint"},
            **{name: getattr(config, name) for name in SHAPING},
            "labels": source.meaning["labels"],
            "formats": {name: FILES[name] for name in self.formats},
            "parity": {name: _plain(each) for name, each in self.proof.parity.items()},
            "fused_operators": self.built.fused,
            "nodes": self.built.nodes,
            "running_nodes": dict(self.proof.running),
            "int8_linears": {name: len(each.run) for name, each in self.proof.int8.items()},
            "int8_operators": {name: dict(each.run) for name, each in self.proof.int8.items()},
            "mobile": dict(self.mobile),
            "simulated": sorted(simulated(source.path).intersection(self.formats)),
        }

    def measures(self, folder: Path) -> dict[str, float]:
        """Return the stage's numbers; folder: where the files are."""
        found: dict[str, float] = {}
        for name, each in self.proof.parity.items():
            found[f"{name}_max_abs_logit"] = each.max_abs_logit
            found[f"{name}_agreement"] = each.agreement
            found[f"{name}_bytes"] = float(size_on_disk(folder / FILES[name]))
        found |= {f"{name}_linears": float(len(each.run)) for name, each in self.proof.int8.items()}
        fused = self.built.fused
        return found | ({"fused_operators": float(sum(fused.values()))} if fused else {})


def _plain(parity: Parity) -> dict[str, float]:
    return {"max_abs_logit": parity.max_abs_logit, "agreement": parity.agreement, "rows": parity.rows}
