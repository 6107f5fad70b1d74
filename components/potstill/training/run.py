"""What surrounds the mathematics of every training stage: its processes, its checkpoints, and the folder it writes."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor
from transformers import PreTrainedModel

from potstill import processes
from potstill.artifacts import CHECKPOINT, Artifact, seal
from potstill.encoder.checkpoint import save_checkpoint
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.training.device import reproducible
from potstill.training.options import TrainingOptions
from potstill.training.resume import Checkpoints, describe, kept_at

C = TypeVar("C", bound=TrainingOptions)


@dataclass(frozen=True)
class TrainingRun(Generic[C]):
    """One run of a training stage.

    Attributes:
        stage: its name, as on the command line.
        output: where its `checkpoint/v1` is written.
        config: its options.
        inputs: what it reads, by the name of its parameter.
        checkpoints: where `fit` keeps the states of its trainings.
    """

    stage: str
    output: Path
    config: C
    inputs: Mapping[str, Artifact]
    checkpoints: Checkpoints

    def write(
        self,
        model: PreTrainedModel,
        source: Path,
        meaning: Mapping[str, Any],
        further: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write and seal what was trained; of several processes the first alone does.

        Args:
            model: the trained model.
            source: folder whose tokenizer goes with it.
            meaning: what the manifest tells besides.
            further: tensors that go beside the weights.
        """
        if processes.is_first():
            save_checkpoint(model, source, self.output, further)
            seal(self.output, CHECKPOINT, maker(self.stage, self.config), self.inputs, meaning)


@contextmanager
def training_run(stage: str, output: Path, config: C, inputs: Mapping[str, Artifact]) -> Iterator[TrainingRun[C]]:
    """Begin a run: join the other processes, fix seeds and threads, find the checkpoints, claim the output folder.

    Args:
        stage: the stage's name, as on the command line.
        output: where its `checkpoint/v1` is written.
        config: its options.
        inputs: what it reads, by the name of its parameter.

    Raises:
        ArtifactError: the output folder cannot be written, or holds what must not be replaced.
        OptionError: the checkpoint URI is none.
        InputError: its store cannot be written, or another process cannot be reached.
    """
    read = [each.path for each in inputs.values()]
    with (
        processes.joined(),
        reproducible(config.seed, config.threads),
        _kept(stage, output, config, inputs) as checkpoints,
        # Last, for it empties the folder: until here a refusal costs nothing.
        creating(output, CHECKPOINT, *read) if processes.is_first() else nullcontext(),
    ):
        yield TrainingRun(stage, output, config, inputs, checkpoints)


def _kept(
    stage: str, output: Path, config: TrainingOptions, inputs: Mapping[str, Artifact]
) -> AbstractContextManager[Checkpoints]:
    return kept_at(config.checkpoint_uri, config.checkpoint_seconds, describe(stage, config, inputs), output)
