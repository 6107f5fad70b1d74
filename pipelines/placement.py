"""Where steps run: the only file that tells a cluster. A component never names a node, a secret or a bucket.

What differs from one platform to another stands in a placement file (`pipelines/placement_file.py`), which compiling
and submitting take with `--placement`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from kfp import dsl, kubernetes

from pipelines.placement_file import Needs, Placement
from potstill.signing.keys import MOUNTED_KEY

# stage: (CPU cores, memory). Measured on the demo's sizes and doubled; larger models need a placement file.
RESOURCES = {
    "tokenize": ("2", "2G"),
    "teacher-train": ("2", "8G"),
    "teacher-cache": ("2", "4G"),
    "teacher-ensemble": ("1", "2G"),
    "distill": ("2", "8G"),
    "prune": ("2", "8G"),
    "qat": ("2", "8G"),
    "onnx-export": ("2", "6G"),
    "coreml-export": ("2", "6G"),
    "validate": ("2", "6G"),
    "gate": ("1", "512M"),
    "release": ("1", "2G"),
    "sign": ("1", "2G"),
    "publish": ("1", "2G"),
}

TRAINING = ("teacher-train", "distill", "prune", "qat")
TRAINING_SECONDS, SECONDS = 86_400, 14_400  # after which a try is stuck; pulling the image counts, too

# The steps that speak to the store themselves: tokenize with a data_uri, the trainings with a checkpoint_uri, publish.
# All other steps get files from KFP's launcher, and no credentials.
STORE_STEPS = ("tokenize", *TRAINING, "publish")
STORE_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION",
)  # fmt: skip

_current: ContextVar[Placement] = ContextVar("placement", default=Placement())  # noqa: B039 - it is frozen


def placed(pipeline: Any, placement: Placement) -> Any:
    """Return a pipeline whose steps run as a placement says; the one given stays as it is.

    Args:
        pipeline: made by @dsl.pipeline; its function is called again.
        placement: of `read_placement`.
    """
    with _using(placement):
        return dsl.pipeline(pipeline.pipeline_func, name=pipeline.name)


@contextmanager
def _using(placement: Placement) -> Iterator[None]:
    token = _current.set(placement)
    try:
        yield
    finally:
        _current.reset(token)


def place(task: Any, stage: str) -> Any:
    """Give a step its resources, its place and its rights; and a training another machine when its is taken away.

    The limit of CPU is the request: the number of threads is part of the recipe and comes from the `threads`
    parameter, never from what a pod happens to be given.

    Args:
        task: what calling the component gave.
        stage: its name, a key of RESOURCES.

    Returns: the task.
    """
    placement = _current.get()
    needs = _needs(placement, stage)
    _ask_for(task, needs, placement.gpu_type)
    _stand(task, needs, placement)
    # No more can be set here; KFP itself drops every capability, and forbids privilege escalation. The user is the
    # image's: which one a platform takes instead, a component does not care.
    kubernetes.set_security_context(task, run_as_non_root=True)
    if placement.store_secret and stage in STORE_STEPS:  # optional: a pipeline that needs no store runs without it
        kubernetes.use_secret_as_env(
            task, placement.store_secret, {name: name for name in STORE_VARIABLES}, optional=True
        )
    if stage == "sign":
        _hand_key(task, placement.signing_secret)
    if placement.retries and stage in TRAINING:  # a retry goes on where it stood, given a checkpoint_uri
        task.set_retry(placement.retries, backoff_duration="30s", backoff_factor=2.0, backoff_max_duration="600s")
    return task


def _hand_key(task: Any, secret: str) -> None:
    """Mount the signing key where the signer alone runs; no other step can read it."""
    kubernetes.use_secret_as_volume(task, secret, mount_path=str(MOUNTED_KEY.parent), optional=False)


def _needs(placement: Placement, stage: str) -> Needs:
    """Narrow from the defaults over `all` and `trainings` to the step's own."""
    cores, memory = RESOURCES[stage]
    seconds = TRAINING_SECONDS if stage in TRAINING else SECONDS
    needs = placement.all.under(Needs(cpu=cores, memory=memory, gpus=0, timeout_seconds=seconds))
    if stage in TRAINING:
        needs = placement.trainings.under(needs)
    return placement.steps.get(stage, Needs()).under(needs)


def _ask_for(task: Any, needs: Needs, gpu_type: str) -> None:
    task.set_cpu_request(needs.cpu).set_cpu_limit(needs.cpu)
    task.set_memory_request(needs.memory).set_memory_limit(needs.memory)
    if needs.gpus:
        task.set_accelerator_type(gpu_type).set_accelerator_limit(needs.gpus)


def _stand(task: Any, needs: Needs, placement: Placement) -> None:
    kubernetes.set_timeout(task, needs.timeout_seconds)
    kubernetes.set_image_pull_policy(task, placement.image_pull_policy)
    if placement.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(placement.image_pull_secrets))
    for label, value in needs.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for each in needs.tolerations:
        kubernetes.add_toleration(task, key=each.key, operator=each.operator, value=each.value, effect=each.effect)
