"""What a package says about itself: author, licence, version, labels, and what it was made from."""

import json
from typing import Any

import potstill
from potstill.artifacts import Artifact
from potstill.coreml_export.config import CoremlExportConfig
from potstill.licences import strictest
from potstill.provenance import revision, source_digest

PREFIX = "potstill."
PURPOSE = "Text classifier. Inputs are token ids of the tokenizer beside the package, padded to a length that it takes."


def describe(model: Any, name: str, config: CoremlExportConfig, source: Artifact, table: Artifact) -> None:
    """Write the metadata of a converted model, where Xcode and an auditor read it.

    Args:
        model: a `coremltools.models.MLModel`.
        name: the format.
        config: who answers for the model, its version, and what should compute it.
        source: the checkpoint; a licence that is restricted, its or the tokens', also opens the description.
        table: the tokens.
    """
    licence = strictest([source.licence, table.licence])
    restricted = "" if licence.use == "open" else f"{licence.use.upper()}. "
    model.author, model.version = config.author, config.version
    model.license = f"{licence.expression} ({licence.use})"
    model.short_description = restricted + PURPOSE
    entries = {
        "labels": json.dumps(list(source.meaning["labels"]), ensure_ascii=False),
        "use": licence.use,
        "format": name,
        "layout": config.layout,
        "compute_units": config.compute_units,
        "version": potstill.__version__,
        "revision": revision(),
        "source": source_digest(),
        "checkpoint_digest": source.digest,
        "tokens_digest": table.digest,
    }
    model.user_defined_metadata.update({f"{PREFIX}{key}": value for key, value in entries.items()})
