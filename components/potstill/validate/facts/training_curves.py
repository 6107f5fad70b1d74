"""How the models were trained: the loss and the validation score of each epoch, as the manifests tell them."""

from collections.abc import Iterator, Mapping
from typing import Any

from potstill.artifacts import Artifact

TRAINED = ("teacher", "student", "pruned", "model")  # inputs whose manifests may tell of a training
STAGES = {"teacher-train": "Teacher", "distill": "Student", "prune": "Pruned", "qat": "Quantized"}
ACCURACY, NEARNESS = "validation accuracy", "−loss in validation"


def training_curves(inputs: Mapping[str, Artifact]) -> list[dict[str, Any]]:
    """Collect every training that the inputs tell of.

    Returns: JSON values, in the order of the path: `name`; `loss` and `score` of each epoch, `score_name`, and
        `best_epoch`, from 1, whose weights were kept. A score is higher where the model is better: an accuracy, or of a
        training that has no labels to compare with minus its distance from the teacher.
    """
    found = {inputs[name].digest: inputs[name] for name in TRAINED if name in inputs}
    return [_curve(title, facts) for each in found.values() for title, facts in _trainings(each)]


def _trainings(artifact: Artifact) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A stage tells of one training, or of several one after the other."""
    told = artifact.meaning.get("training") or []
    several = [told] if isinstance(told, Mapping) else told
    title = STAGES.get(str(artifact.made_by["stage"]), str(artifact.made_by["stage"]))
    for number, facts in enumerate(several, 1):
        if facts.get("loss_per_epoch"):
            yield (title if len(several) == 1 else f"{title}, part {number}"), facts


def _curve(title: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    scores = list(facts.get("validation_score_per_epoch") or [])
    return {
        "name": title,
        "loss": list(facts["loss_per_epoch"]),
        "score": scores,
        "score_name": NEARNESS if any(score < 0 for score in scores) else ACCURACY,
        "best_epoch": facts["best_epoch"],
    }
