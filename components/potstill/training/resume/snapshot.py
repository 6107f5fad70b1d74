"""A training state apart from the objects that hold it: tensors by group and name, and facts that JSON can hold."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from potstill.training.state import TrainingState

FACTS = "state.json"
SUFFIX = ".safetensors"
COUNTED = ("epoch", "step", "positions", "tokens", "best_epoch")
MEASURED = ("losses", "scores", "epoch_losses", "norms", "best_score")  # may be infinite or NaN, which JSON has not

SPOILED = (AttributeError, KeyError, RuntimeError, TypeError, ValueError, SafetensorError)
"""What reading and using files raises that somebody wrote instead of us; a RecursionError is a RuntimeError."""


@dataclass(frozen=True)
class Snapshot:
    """What a state was at one moment.

    Attributes:
        tensors: by group (model, optimizer, …) and name, on the CPU; training does not change them any more.
        facts: whatever is no tensor.
    """

    tensors: Mapping[str, Mapping[str, Tensor]]
    facts: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        """Whether the training had come to its end; then only the weights that it ended with are kept."""
        return bool(self.facts["finished"])


def take(state: TrainingState, *, finished: bool) -> Snapshot:
    """Copy a state.

    Args:
        state: between two steps.
        finished: the training has ended, and the model holds its best weights: nothing else is needed any more.
    """
    facts = {name: getattr(state, name) for name in COUNTED} | {"finished": finished}
    tensors = {
        "model": _cloned(state.model.state_dict()),
        "history": {name: torch.tensor(getattr(state, name), dtype=torch.float64) for name in MEASURED},
        "random": _random_state(),
    }
    if finished:
        return Snapshot(tensors, facts)
    optimizer = state.optimizer.state_dict()
    tensors |= {
        "objective": _cloned(state.objective.state_dict()),
        "optimizer": _cloned(_flat(optimizer["state"])),
        "average": _cloned(state.average.state_dict() if state.average else {}),
        "best": {name: each.cpu() for name, each in state.best_weights.items()},  # never changed in place
    }
    return Snapshot(tensors, facts | {"groups": optimizer["param_groups"], "schedule": state.scheduler.state_dict()})


def put_back(snapshot: Snapshot, state: TrainingState) -> None:
    """Give a state what a snapshot of the same training holds.

    Args:
        snapshot: of this training.
        state: at its beginning.

    Raises:
        one of SPOILED: the snapshot is not of this training; the state is then neither the one nor the other.
    """
    tensors, facts = snapshot.tensors, snapshot.facts
    for name in COUNTED:
        setattr(state, name, facts[name])
    for name in MEASURED:
        setattr(state, name, tensors["history"][name].tolist())
    torch.random.set_rng_state(tensors["random"]["cpu"])
    if "cuda" in tensors["random"]:
        torch.cuda.set_rng_state(tensors["random"]["cuda"])
    state.model.load_state_dict(dict(tensors["model"]))
    if snapshot.finished:
        return
    state.objective.load_state_dict(dict(tensors["objective"]))
    state.optimizer.load_state_dict({"state": _nested(tensors["optimizer"]), "param_groups": facts["groups"]})
    state.scheduler.load_state_dict(dict(facts["schedule"]))
    if state.average:
        state.average.load_state_dict(dict(tensors["average"]))
    state.best_weights = dict(tensors["best"])


def to_blobs(snapshot: Snapshot) -> Iterator[tuple[str, bytes]]:
    """Yield a snapshot as files: a safetensors file per group that has tensors, and one of JSON."""
    kept = {group: f"{group}{SUFFIX}" for group, tensors in snapshot.tensors.items() if tensors}
    for group, name in kept.items():
        yield name, safetensors.torch.save(dict(snapshot.tensors[group]))
    facts = dict(snapshot.facts) | {"files": kept, "empty": [each for each in snapshot.tensors if each not in kept]}
    yield FACTS, json.dumps(facts, indent=1, allow_nan=False).encode()


def from_blobs(blobs: Mapping[str, bytes]) -> Snapshot:
    """Read a snapshot back; every float comes back as it was.

    Raises:
        one of SPOILED: the files are not those of a snapshot.
    """
    facts = json.loads(blobs[FACTS])
    tensors = {group: safetensors.torch.load(blobs[name]) for group, name in facts.pop("files").items()}
    return Snapshot(tensors | {group: {} for group in facts.pop("empty")}, facts)


def _cloned(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: each.detach().to("cpu", copy=True).contiguous() for name, each in tensors.items()}


def _flat(state: Mapping[int, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {f"{index}.{name}": each for index, parameter in state.items() for name, each in parameter.items()}


def _nested(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, each in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = each
    return state


def _random_state() -> dict[str, Tensor]:
    found = {"cpu": torch.random.get_rng_state()}
    return found | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})
