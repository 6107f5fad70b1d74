"""Old checkpoints are pickles: read once, on import, by torch's restricted unpickler."""

import pickle
from pathlib import Path
from typing import Any

import torch

from potstill.errors import InputError

PICKLED = "pytorch_model.bin"


def read_pickled(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict with torch's restricted unpickler, which builds tensors and plain containers only.

    Raises:
        InputError: the file holds anything else than a state dict, or is damaged.
    """
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as refused:
        said = str(refused).strip().splitlines()[0]
        raise InputError(
            f"{path} is no plain state dict ({said}); save the model with safe_serialization=True"
        ) from refused
    if not isinstance(state, dict) or not all(isinstance(each, torch.Tensor) for each in state.values()):
        raise InputError(f"{path} is no plain state dict; save the model with safe_serialization=True")
    return state
