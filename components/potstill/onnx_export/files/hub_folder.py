"""What Hugging Face's own classes need to open the folder."""

import json
import shutil
from pathlib import Path

from potstill.encoder.checkpoint import CONFIG, WEIGHTS
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.onnx_export.graphs.trace import EXPORTED_AS


def write_config(checkpoint: Path, folder: Path) -> None:
    """Write the config.json that Optimum's ORTModel… and transformers.pipeline read beside an ONNX file.

    They ask it for the family and the label names. A pruned model is told as its stock family, whose inputs and output
    it has; its shapes lie in the ONNX file. PyTorch cannot open it by this config, and says so: its `hidden_act` is a
    sentence.
    """
    settings = json.loads((checkpoint / CONFIG).read_bytes())
    family = settings["model_type"]
    if family in EXPORTED_AS:
        settings["model_type"] = EXPORTED_AS[family]
        settings["architectures"] = [name.removeprefix("Pruned") for name in settings["architectures"]]
    text = json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / CONFIG).write_text(f"{text}\n", encoding="utf-8")


def copy_source(checkpoint: Path, folder: Path) -> None:
    """Copy the checkpoint's weights, its own config and tokenizer, byte for byte: what the files were made from."""
    folder.mkdir()
    for name in (CONFIG, WEIGHTS):
        shutil.copyfile(checkpoint / name, folder / name)
    copy_tokenizer(checkpoint, folder)


def is_stock(folder: Path) -> bool:
    """Tell whether transformers alone opens a checkpoint: not one with uneven layers."""
    return json.loads((folder / CONFIG).read_bytes())["model_type"] not in EXPORTED_AS
