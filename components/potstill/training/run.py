"""What surrounds the mathematics of every training stage: its processes, its checkpoints, and the folder it writes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
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
from potstill.training.resume import Checkpoints, kept_at

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
    """Begin a run: join the other processes, claim the output folder, fix seeds and threads, find the checkpoints.

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
        creating(output, CHECKPOINT, *read) if processes.is_first() else nullcontext(),
        reproducible(config.seed, config.threads),
        kept_at(config.checkpoint_uri, config.checkpoint_seconds, stage, config, inputs) as checkpoints,
    ):
        yield TrainingRun(stage, output, config, inputs, checkpoints)
