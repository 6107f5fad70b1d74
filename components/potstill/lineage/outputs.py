"""What each stage calls the folder that it writes: its parameter on the command line, and its title in a picture."""

from typing import Final

OUTPUTS: Final = {
    "import-data": "out",
    "import-checkpoint": "out",
    "tokenize": "tokens",
    "teacher-train": "teacher",
    "teacher-cache": "outputs",
    "teacher-ensemble": "outputs",
    "distill": "student",
    "latency-table": "latency",
    "prune": "pruned",
    "choose-round": "chosen",
    "qat": "quantized",
    "onnx-export": "onnx",
    "coreml-export": "package",
    "validate": "report",
}
TITLES: Final = {
    **OUTPUTS,
    "import-data": "data",
    "import-checkpoint": "start",
    "teacher-cache": "teacher outputs",
    "teacher-ensemble": "ensemble outputs",
}


def title_of(stage: str) -> str:
    """Return what a reader calls the work of a stage; of one that is not known here, the stage's name."""
    return TITLES.get(stage, stage)
