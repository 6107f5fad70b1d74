"""Where and how large a TrainJob is, and how long it may take."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from potstill.options import choose, options

CLUSTER, LOCAL = BACKENDS = ("kubernetes", "local-process")
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
NAME = r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$"


@options
class TrainJobConfig:
    """The job's options; the stage's own are the stage's."""

    nodes: Annotated[int, Field(ge=1, le=1024)] = 1
    """Pods that train together."""
    processes_per_node: Annotated[int, Field(ge=1, le=64)] = 1
    """Training processes in each pod; with GPUs, as many as there are GPUs."""
    cpu: Annotated[str, Field(pattern=QUANTITY)] = "2"
    """CPU of each pod; at least processes_per_node times threads."""
    memory: Annotated[str, Field(pattern=QUANTITY)] = "8Gi"
    """Memory of each pod."""
    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    """NVIDIA GPUs of each pod."""
    deadline_seconds: Annotated[int, Field(ge=1)] = 86400
    """Seconds after which the cluster ends the job."""
    image: str = ""
    """Image of the pods; empty: the stage's own."""
    runtime: Annotated[str, Field(min_length=1, pattern=NAME)] = "torch-distributed"
    """TrainingRuntime that the pods are made from; node pools, tolerations and restarts are named there."""
    service_account: Annotated[str, Field(pattern=NAME)] = ""
    """Service account of the pods; empty: the namespace's default."""
    store_secret: Annotated[str, Field(pattern=NAME)] = ""
    """Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; empty: the pods have rights already."""
    store_endpoint: str = ""
    """URL of an S3 store that is not Amazon's."""
    backend: str = CLUSTER
    """kubernetes, or local-process: processes on this machine, to try a job without a cluster."""

    @field_validator("backend")
    @classmethod
    def _backend(cls, value: str) -> str:
        return choose("backend", value, BACKENDS)

    @model_validator(mode="after")
    def _one_process_a_gpu(self) -> Self:
        if 0 < self.gpus < self.processes_per_node:
            raise ValueError(
                f"processes_per_node must be at most gpus, which is {self.gpus}, got {self.processes_per_node}"
            )
        return self
