"""The TrainJob of a piece of work, as the `kubeflow` SDK writes it, with the three things that it has no words for.

The SDK's own `train()` writes the request. What its options do not reach is then set on its own models: who owns the
job, how many processes a pod runs, and variables that come out of a secret. (A runtime patch may not set variables of
the container that trains; Trainer's webhook refuses that.)
"""

from typing import Any

from kubeflow.trainer import CustomTrainerContainer, Runtime, RuntimeKind, RuntimeTrainer, TrainerType
from kubeflow.trainer.backends.kubernetes.backend import KubernetesBackend
from kubeflow.trainer.constants import constants
from kubeflow.trainer.options import (
    ActiveDeadlineSeconds,
    JobSetSpecPatch,
    JobSetTemplatePatch,
    JobSpecPatch,
    JobTemplatePatch,
    Labels,
    Name,
    PodSpecPatch,
    PodTemplatePatch,
    ReplicatedJobPatch,
    RuntimePatch,
    TrainerArgs,
    TrainerCommand,
    TrainingRuntimeSpecPatch,
)
from kubeflow_trainer_api import models
from kubeflow_trainer_api.models import IoK8sApimachineryPkgApisMetaV1OwnerReference as Owner

from potstill.train_job.config import TrainJobConfig
from potstill.train_job.work import COMMAND, Work

SECRET_KEYS = {"AWS_ACCESS_KEY_ID": False, "AWS_SECRET_ACCESS_KEY": False, "AWS_SESSION_TOKEN": True}  # name: optional


def train_job(work: Work, config: TrainJobConfig, owner: Owner | None, runtime: Runtime) -> dict[str, Any]:
    """Write the request that creates a TrainJob.

    Args:
        work: what its pods do.
        config: where and how large it is.
        owner: what the job goes with; None: nothing.
        runtime: the runtime that config names, as the cluster knows it.

    Returns: the JSON body.
    """
    written = _Writer()
    written.train(runtime=runtime, trainer=_trainer(work, config), options=_options(work, config))
    job = models.TrainerV1alpha1TrainJob.from_dict(written.body)
    job.metadata.owner_references = [owner] if owner else None
    job.spec.trainer.num_proc_per_node = config.processes_per_node
    job.spec.trainer.env = [*(job.spec.trainer.env or ()), *_from_secret(config.store_secret)] or None
    return dict(job.to_dict())


def cluster_runtime(name: str) -> Runtime:
    """A ClusterTrainingRuntime for containers of our own, as the SDK would describe it."""
    trainer = RuntimeTrainer(trainer_type=TrainerType.CUSTOM_TRAINER, framework="torch", image="")
    return Runtime(name=name, trainer=trainer, kind=RuntimeKind.CLUSTER_TRAINING_RUNTIME)


class _Writer(KubernetesBackend):
    """The SDK's backend for Kubernetes, up to the request: it is kept here and not sent."""

    def __init__(self) -> None:
        self.namespace, self.custom_api = "", self
        self.body: dict[str, Any] = {}

    def create_namespaced_custom_object(self, *where_and_body: Any) -> None:
        """Take the request where the SDK hands it to its HTTP client."""
        self.body = where_and_body[-1]


def _trainer(work: Work, config: TrainJobConfig) -> CustomTrainerContainer:
    resources = {"cpu": config.cpu, "memory": config.memory} | ({"gpu": str(config.gpus)} if config.gpus else {})
    endpoint = {"AWS_ENDPOINT_URL": config.store_endpoint} if config.store_endpoint else None
    return CustomTrainerContainer(image=work.image, num_nodes=config.nodes, resources_per_node=resources, env=endpoint)


def _options(work: Work, config: TrainJobConfig) -> list[Any]:
    account = [_service_account(config.service_account)] if config.service_account else []
    return [
        Name(work.job_name),
        Labels({"app.kubernetes.io/name": "potstill", "app.kubernetes.io/component": work.stage}),
        ActiveDeadlineSeconds(config.deadline_seconds),
        TrainerCommand(list(COMMAND)),
        TrainerArgs(work.arguments),
        *account,
    ]


def _service_account(name: str) -> RuntimePatch:
    pod = PodTemplatePatch(spec=PodSpecPatch(service_account_name=name))
    node = ReplicatedJobPatch(constants.NODE, JobTemplatePatch(spec=JobSpecPatch(template=pod)))
    job_set = JobSetTemplatePatch(spec=JobSetSpecPatch(replicated_jobs=[node]))
    return RuntimePatch(TrainingRuntimeSpecPatch(template=job_set))


def _from_secret(name: str) -> list[models.IoK8sApiCoreV1EnvVar]:
    if not name:
        return []
    return [
        models.IoK8sApiCoreV1EnvVar(
            name=key,
            valueFrom=models.IoK8sApiCoreV1EnvVarSource(
                secretKeyRef=models.IoK8sApiCoreV1SecretKeySelector(name=name, key=key, optional=optional or None)
            ),
        )
        for key, optional in SECRET_KEYS.items()
    ]
