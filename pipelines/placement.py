"""Where steps run: the only file that knows a cluster. A component never names a node, a secret or a bucket."""

from typing import Any

# stage: (CPU cores, memory). Measured on the demo's sizes and doubled; a cluster with larger models raises them here.
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
}

TRAINING = ("teacher-train", "distill", "prune", "qat")
RETRIES = 5  # of a training that its machine was taken from; a retry goes on where it stood, given a checkpoint_uri


def place(task: Any, stage: str) -> Any:
    """Ask for a step's resources, and for another machine when a training's is taken away.

    The limit of CPU is the request: the number of threads is part of the recipe and comes from the `threads`
    parameter, never from what a pod happens to be given.

    Args:
        task: what calling the component gave.
        stage: its name, a key of RESOURCES.

    Returns: the task.
    """
    cores, memory = RESOURCES[stage]
    task.set_cpu_request(cores).set_cpu_limit(cores).set_memory_request(memory).set_memory_limit(memory)
    if stage in TRAINING:
        task.set_retry(RETRIES, backoff_duration="30s", backoff_factor=2.0, backoff_max_duration="600s")
    return task
