"""What a user would pick instead, used as its users use it: optimum-cli and Olive, with their defaults.

They start from the checkpoint. A pruned model is of no family that they know; there they start from our model.onnx.
Olive is in no lock, since it wants other libraries than this project; it runs in an environment of its own.
"""

import os
import shutil
import subprocess
from pathlib import Path

from potstill.encoder.checkpoint import CONFIG, PRUNED, read_config
from tests.bench.quantization_peers import LEVEL, exported_by_optimum, quantized_by_optimum, run

HOW = "python -m venv FOLDER && FOLDER/bin/pip install olive-ai onnxruntime requests; then --olive FOLDER/bin/python"
# `olive optimize`, which is to follow auto-opt, exports with a builder of language models only (0.13.0).
AUTO_OPT = ("auto-opt", "-t", "text-classification", "--device", "cpu", "--precision", "int8", "--disable_telemetry")


def by_optimum(checkpoint: Path, exported: Path, work: Path) -> dict[str, Path]:
    """Export and quantise as optimum-cli does by itself.

    Args:
        checkpoint: what it starts from.
        exported: our model.onnx, which it starts from where it does not know the checkpoint's family.
        work: an empty folder.

    Returns: its files by name.
    """
    if is_stock(checkpoint):
        export = exported_by_optimum(checkpoint, work / "export")
        return {"optimum-cli export": export, "optimum-cli dynamic": quantized_by_optimum(checkpoint, work)}
    folder = work / "given"
    folder.mkdir(parents=True)
    shutil.copyfile(exported, folder / "model.onnx")
    shutil.copyfile(checkpoint / CONFIG, folder / CONFIG)
    run("onnxruntime", "quantize", LEVEL, "--onnx_model", folder, "-o", work / "quantized")
    return {"optimum-cli dynamic": work / "quantized" / "model_quantized.onnx"}


def by_olive(python: Path, checkpoint: Path, exported: Path, work: Path) -> dict[str, Path]:
    """Quantise as Olive's int8 workflow does by itself; arguments as of by_optimum.

    Raises:
        RuntimeError: it failed; its last words.
    """
    source = checkpoint if is_stock(checkpoint) else exported
    command = [python, "-m", "olive", *AUTO_OPT, "-m", source.resolve(), "-o", work.resolve()]
    work.mkdir(parents=True)
    telling_nobody = os.environ | {"OLIVE_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=work, env=telling_nobody)
    if done.returncode or not (work / "model.onnx").is_file():
        raise RuntimeError(f"olive {' '.join(AUTO_OPT)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return {"Olive auto-opt": work / "model.onnx"}


def olive_version(python: Path | None) -> str:
    """Return Olive's version in an environment; "" where it is not."""
    if python is None:
        return ""
    command = "from importlib.metadata import version; print(version('olive-ai'))"
    done = subprocess.run([python, "-c", command], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def is_stock(checkpoint: Path) -> bool:
    """Tell whether transformers knows a checkpoint's family without potstill."""
    return read_config(checkpoint).model_type not in PRUNED
