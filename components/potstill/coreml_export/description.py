"""What a package says about itself: author, licence, version, labels, and what it was made from."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import potstill
from potstill.licences import Licence
from potstill.provenance import revision, source_digest

PURPOSE = "Text classifier. Inputs are token ids of the tokenizer beside the package, padded to the fixed length."


def describe(
    model: Any, author: str, version: str, licence: Licence, labels: Sequence[str], inputs: Mapping[str, str]
) -> None:
    """Write the metadata of a converted model, where Xcode and an auditor read it.

    Args:
        model: a `coremltools.models.MLModel`.
        author: who answers for the model.
        version: the model's own version.
        licence: the strictest of what the model was made from; a restriction also opens the description.
        labels: label names, in the order of the logits.
        inputs: digests of the artifacts that it was made from, by name.
    """
    restricted = "" if licence.use == "open" else f"{licence.use.upper()}. "
    model.author, model.version = author, version
    model.license = f"{licence.expression} ({licence.use})"
    model.short_description = restricted + PURPOSE
    entries = {
        "labels": json.dumps(list(labels), ensure_ascii=False),
        "use": licence.use,
        "version": potstill.__version__,
        "revision": revision(),
        "source": source_digest(),
        **{f"{name}_digest": digest for name, digest in inputs.items()},
    }
    model.user_defined_metadata.update({f"potstill.{name}": value for name, value in entries.items()})
