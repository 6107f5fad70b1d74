"""Saving a package so that the same model gives the same bytes.

coremltools writes today's date, numbers its items at random and serialises maps in the order of a hash. Here the date
is left out, the items are numbered by their content (UUID version 5), and maps are sorted.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from potstill.artifacts import scan, sha256_of
from potstill.coreml.digests import PREFIX
from potstill.coreml.package import MANIFEST, open_package
from potstill.coreml_export.graphs.noise import without_noise

DATE = "com.github.apple.coremltools.conversion_date"


def save(model: Any, folder: Path, beside: Mapping[str, str]) -> None:
    """Write a `coremltools.models.MLModel` as a .mlpackage.

    Its metadata names the sha256 of each other file of the package, and of the files beside it, as `potstill.sha256.…`.

    Args:
        model: converted and described.
        folder: the package; its name ends with .mlpackage. One that is there is replaced.
        beside: sha256 of each file beside the package that belongs to it, by name.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with without_noise():
        model.save(str(folder))
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    model_file = folder / "Data" / manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
    inside = {file.path: file.sha256 for file in scan(folder / "Data") if folder / "Data" / file.path != model_file}
    _rewrite_model(folder, model_file, {**inside, **beside})
    _rewrite_manifest(folder, manifest)


def _rewrite_model(folder: Path, file: Path, digests: Mapping[str, str]) -> None:
    message = open_package(folder).model
    entries = message.description.metadata.userDefined
    entries.pop(DATE, None)
    entries.update({f"{PREFIX}{name}": digest for name, digest in digests.items()})
    file.write_bytes(message.SerializeToString(deterministic=True))


def _rewrite_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    items = manifest["itemInfoEntries"]
    new = {old: _number(folder / "Data" / item["path"], item["path"]) for old, item in items.items()}
    manifest["itemInfoEntries"] = {new[old]: item for old, item in items.items()}
    manifest["rootModelIdentifier"] = new[manifest["rootModelIdentifier"]]
    text = json.dumps(manifest, ensure_ascii=False, indent=4, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _number(path: Path, inside: str) -> str:
    files = scan(path) if path.is_dir() else ()
    digests = [f"{file.path} {file.sha256}" for file in files] or [sha256_of(path)]
    return str(uuid5(NAMESPACE_URL, "\n".join([inside, *digests])))
