"""Between KFP's artifacts and a job: URIs go out with it, the output and the measures come back."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from potstill import kfp_io
from potstill.artifacts import CHECKPOINT, MANIFEST, expect, is_sealed, sha256_of
from potstill.images import image_for
from potstill.measure.measures import Measures
from potstill.remote.folders import fetch_folder
from potstill.remote.places import on_disk, read_file, standard
from potstill.train_job.config import TrainJobConfig
from potstill.train_job.launch import launch
from potstill.train_job.work import Work


class KfpArtifact(kfp_io.KfpArtifact, Protocol):
    """What every KFP artifact has besides."""

    uri: str


class KfpMetrics(kfp_io.KfpMetrics, KfpArtifact, Protocol):
    """Likewise."""


def run_as_job(
    stage: str,
    config: Callable[[], TrainJobConfig],
    inputs: Mapping[str, KfpArtifact | None],
    output: Mapping[str, KfpArtifact],
    metrics: KfpMetrics,
    options: Mapping[str, Any],
) -> Measures:
    """Run a training stage as a TrainJob on the artifacts of a KFP step.

    The job's pods read the inputs by their URIs, and write the output and the measures to the URIs that KFP gave
    them; from there they are fetched, proved whole, and left where KFP looks for them.

    Args:
        stage: the stage's name, as on the command line.
        config: builds the job's options.
        inputs: the artifacts to read, by the stage's parameter; None for one that was not given.
        output: the one artifact to write, likewise.
        metrics: where the measures go.
        options: the stage's own options.

    Returns: what the stage measured.

    Raises:
        SystemExit: with code 2, after one line on stderr, when the job failed or was refused.
    """
    given = {name: each for name, each in inputs.items() if each is not None}

    def train_job(config: TrainJobConfig, **folders: Path) -> Measures:
        if config.store_endpoint:
            os.environ["AWS_ENDPOINT_URL"] = config.store_endpoint
        work = Work(
            stage=stage,
            image=config.image or image_for(stage),
            folders={name: place_of(each) for name, each in {**given, **output}.items()},
            options={**options, "checkpoint_uri": standard(options["checkpoint_uri"])},
            measures=place_of(metrics),
            digests={name: digest_of(folders[name]) for name in given},
        )
        launch(work, config)
        for name in output:
            receive(work.folders[name], folders[name])
        return dict(json.loads(read_file(work.measures)))

    return kfp_io.run(train_job, config, given, output, metrics)


def place_of(artifact: KfpArtifact) -> str:
    """Where an artifact lies for a pod: its S3 URI, else its folder on a disk that the pod sees, too.

    Raises:
        OptionError: in a store that potstill does not read.
    """
    disk = on_disk(artifact.uri)
    return standard(artifact.uri) if disk is None else str(Path(artifact.path).absolute())


def digest_of(folder: Path) -> str:
    """Digest of a sealed folder; empty where it is not sealed, which the stage will refuse."""
    return sha256_of(folder / MANIFEST) if is_sealed(folder) else ""


def receive(place: str, folder: Path) -> None:
    """Fetch the output of a job and prove it whole.

    Raises:
        ArtifactError: it is not what was sealed.
        InputError: it cannot be fetched.
    """
    if on_disk(place) is None:
        fetch_folder(place, folder)
    expect(folder, CHECKPOINT)
