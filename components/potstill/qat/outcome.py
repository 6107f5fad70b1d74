"""What the stage ends with, and how it is told: in the checkpoint, beside it, in its manifest and as measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.data.tokens import TokenTable
from potstill.encoder.quantization import CONFIG_KEY, scale_tensors
from potstill.encoder.scale_checks import FLOAT_EMBEDDINGS, FLOAT_LINEARS
from potstill.measure.measures import Measures
from potstill.progress import tell
from potstill.qat.audit import audit, hurting, write_audit
from potstill.qat.config import DYNAMIC, QatConfig
from potstill.qat.mixed import Mixed
from potstill.qat.sensitivity import Sensitivity, write_sensitivity
from potstill.training.floor import Judgement


@dataclass(frozen=True)
class Outcome:
    """A model with its scales.

    Attributes:
        model: plain float modules, with the final weights.
        config: the options.
        start: what the float model was judged to be.
        untrained: what scales without training would have lost.
        mixed: the scales, and which linears have none for the floor.
        sensitivity: what each linear costs, where it was measured.
    """

    model: PreTrainedModel
    config: QatConfig
    start: Judgement
    untrained: Judgement
    mixed: Mixed
    sensitivity: Sensitivity | None

    def laid_out(self) -> PreTrainedModel:
        """Return the model with what its config.json tells of the scales."""
        as_it_comes = ", as it comes" if self.config.method == DYNAMIC else ""
        layout = {
            "method": self.config.method,
            "weights": "int8 per row, symmetric",
            "inputs": f"uint8 per tensor, asymmetric{as_it_comes}",
            FLOAT_LINEARS: self._unscaled(nn.Linear),
            FLOAT_EMBEDDINGS: self._unscaled(nn.Embedding),
        }
        setattr(self.model.config, CONFIG_KEY, layout)
        return self.model

    def _unscaled(self, kind: type[nn.Module]) -> list[str]:
        """Name what has no scales: linears of the floor and those that no row went through; tables of few rows."""
        names = [name for name, module in self.model.named_modules() if isinstance(module, kind)]
        return [name for name in names if name not in self.mixed.scales]

    def tensors(self) -> dict[str, Tensor]:
        """Return the scales as they stand beside the weights."""
        return scale_tensors(self.mixed.scales)

    def write_beside(self, folder: Path, validation: TokenTable) -> None:
        """Write the audit of the ranges on the validation rows, and what each linear costs; name what hurts."""
        found = audit(self.model, self.mixed.scales, validation)
        write_audit(folder, found)
        for each in hurting(found):
            tell(f"{each.title}: {each.hurts}")
        if self.sensitivity:
            write_sensitivity(folder, self.sensitivity)

    def facts(self) -> Mapping[str, object]:
        """What the manifest tells."""
        return {
            "method": self.config.method,
            "float_validation_accuracy": self.start.accuracy,
            "calibrated_validation_accuracy": self.untrained.accuracy,
            "validation_accuracy": self.mixed.judgement.accuracy,
            "lost": self.mixed.judgement.lost,
            "lost_at_most": self.mixed.judgement.lost_at_most,
            "float_linears": list(self.mixed.float_linears),
        }

    def measures(self) -> Measures:
        """The figures of the outcome; accuracies in [0, 1], what is lost in points."""
        scaled = sum(isinstance(self.model.get_submodule(name), nn.Linear) for name in self.mixed.scales)
        return {
            "float_validation_accuracy": self.start.accuracy,
            "calibrated_validation_accuracy": self.untrained.accuracy,
            "validation_accuracy": self.mixed.judgement.accuracy,
            "lost": self.mixed.judgement.lost,
            "lost_at_most": self.mixed.judgement.lost_at_most,
            "int8_linears": float(scaled),
            "float_linears": float(len(self.mixed.float_linears)),
        }
