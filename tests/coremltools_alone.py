"""What one gets from coremltools alone, as its guide shows it: a model traced whole, converted, compressed, saved."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools as ct
import coremltools.optimize.coreml as cto
import numpy as np
import torch
from torch import Tensor, nn

from potstill.coreml import Program, load
from potstill.coreml_export.graphs.noise import without_noise

INPUTS = ("input_ids", "attention_mask")
OUTPUTS = ("logits", "probabilities")


class Whole(nn.Module):
    """A transformers classifier with all that it does by itself, its mask among it."""

    def __init__(self, model: Any, outputs: int = 1) -> None:
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        logits = self.model(input_ids=input_ids, attention_mask=attention_mask, return_dict=False)[0]
        return logits if self.outputs == 1 else (logits, torch.softmax(logits, -1))


def convert_whole(model: Any, length: int, target: str = "iOS16", outputs: int = 1, **options: Any) -> Any:
    """Trace and convert to float16 at a fixed length, with whatever options more; → a `coremltools` MLModel."""
    example = torch.ones((1, length), dtype=torch.int32)
    shape = options.pop("shape", (1, length))
    with without_noise(), torch.inference_mode():
        traced = torch.jit.trace(Whole(model, outputs), (example, example), check_trace=False)
        return ct.convert(
            traced,
            inputs=[ct.TensorType(name, shape, np.int32) for name in INPUTS],
            outputs=[ct.TensorType(name) for name in OUTPUTS[:outputs]],
            minimum_deployment_target=ct.target[target],
            skip_model_load=True,
            **options,
        )


def compress(model: Any, function: Callable[..., Any], settings: Any) -> Any:
    """Compress all weights of a converted model by `cto.linear_quantize_weights` and its like."""
    with warnings.catch_warnings():
        # The row of the padding token is 0 throughout, and so is its scale.
        warnings.filterwarnings("ignore", message="invalid value encountered in (divide|cast)", category=RuntimeWarning)
        return function(model, cto.OptimizationConfig(settings))


def saved(model: Any, folder: Path) -> Program:
    """Save, and open with the interpreter."""
    with without_noise():
        model.save(str(folder))
    return load(folder)
