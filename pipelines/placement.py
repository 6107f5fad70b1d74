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


def place(task: Any, stage: str) -> Any:
    """Ask for a step's resources.

    The limit of CPU is the request: the number of threads is part of the recipe and comes from the `threads`
    parameter, never from what a pod happens to be given.

    Args:
        task: what calling the component gave.
        stage: its name, a key of RESOURCES.

    Returns: the task.
    """
    cores, memory = RESOURCES[stage]
    task.set_cpu_request(cores).set_cpu_limit(cores).set_memory_request(memory).set_memory_limit(memory)
    return task
