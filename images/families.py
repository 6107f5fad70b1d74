"""Which stages share their dependencies, and so their layers: the one table that locks, builds and tests read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Stages whose images hold the same libraries, and differ in a last layer of a few kilobytes.

    Attributes:
        stages: their names; the first is the extra of pyproject.toml and the lock's name, too.
        torch: whether they compute with PyTorch; these images share one large layer.
    """

    stages: tuple[str, ...]
    torch: bool = True

    @property
    def name(self) -> str:
        """The extra of pyproject.toml, and the lock `locks/<name>.txt`."""
        return self.stages[0]


FAMILIES = (
    Family(("tokenize",), torch=False),
    Family(("teacher-train", "teacher-cache", "teacher-ensemble", "distill")),
    Family(("prune", "choose-round", "qat")),
    Family(("onnx-export", "latency-table")),
    Family(("coreml-export",)),
    Family(("validate",)),
    Family(("release", "sign", "publish"), torch=False),
    Family(("train-job",), torch=False),
)
"""Every family. `teacher-train` is the layer that all with PyTorch begin with: each of their locks holds its lock."""

STAGES = tuple(stage for family in FAMILIES for stage in family.stages)
"""Every stage that has an image, in the order of the families."""


def family_of(stage: str) -> Family:
    """Return the family of a stage.

    Raises:
        KeyError: no such stage.
    """
    return {each: family for family in FAMILIES for each in family.stages}[stage]
