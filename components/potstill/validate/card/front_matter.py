"""The YAML block that the Hugging Face hub reads: licence, task, tags, and the figures as `model-index`.

Source: huggingface.co/docs/hub/model-cards; written by huggingface_hub itself.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from potstill.validate.budgets.scope import judged

TASK, OTHER = "text-classification", "other"
HUB_LICENCES = {  # SPDX → the hub's own identifiers
    "Apache-2.0": "apache-2.0",
    "BSD-2-Clause": "bsd-2-clause",
    "BSD-3-Clause": "bsd-3-clause",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC0-1.0": "cc0-1.0",
    "GPL-3.0-only": "gpl-3.0",
    "GPL-3.0-or-later": "gpl-3.0",
    "MIT": "mit",
    "MPL-2.0": "mpl-2.0",
    "Unlicense": "unlicense",
}


def front_matter(figures: Mapping[str, Any], name: str) -> ModelCardData:
    """Make the card's data; `language` is left out, as nobody told it.

    Args:
        figures: those of validate, complete.
        name: what the model is called.
    """
    return ModelCardData(
        license=_hub_licence(figures["licence"]),
        license_name=_licence_name(figures["licence"]),
        pipeline_tag=TASK,
        tags=_tags(figures["models"]),
        metrics=["accuracy", "f1"],
        model_name=name,
        eval_results=list(_results(figures)),
    )


def _hub_licence(licence: Mapping[str, str]) -> str:
    """The hub's identifier where it says as much as the licence does; else `other`."""
    return HUB_LICENCES.get(licence["expression"], OTHER) if licence["use"] == "open" else OTHER


def _licence_name(licence: Mapping[str, str]) -> str | None:
    """What `other` stands for."""
    if _hub_licence(licence) != OTHER:
        return None
    return re.sub(r"[^a-z0-9.]+", "-", licence["expression"].lower()).strip("-")


def _tags(models: Mapping[str, Any]) -> list[str]:
    formats = [each for each in ("onnx", "coreml") if any(name.startswith(f"{each}_") for name in models)]
    distilled = ["distillation"] if "student" in models and "teacher" in models else []
    return ["potstill", *formats, *distilled]


def _results(figures: Mapping[str, Any]) -> Iterator[EvalResult]:
    """The model that ships first, then the other files that a phone would carry."""
    tokens = figures["lineage"]["tokens"]["digest"]
    final = figures["final"]
    for model in [final, *(each for each in judged(figures) if each != final)]:
        told = figures["models"][model]
        for metric, title, key in (("accuracy", "Accuracy", "accuracy"), ("f1", "Macro-F1", "macro_f1")):
            if told[key] is not None:
                yield EvalResult(
                    task_type=TASK,
                    task_name="Text classification",
                    dataset_type="potstill/tokens",
                    dataset_name=f"Test split, {figures['rows']:,} rows",
                    dataset_split="test",
                    dataset_revision=tokens,
                    metric_type=metric,
                    metric_name=f"{title}, {told['title']}",
                    metric_value=round(told[key], 6),
                )
