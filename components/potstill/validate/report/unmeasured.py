"""What nobody should read out of the report."""

from collections.abc import Mapping
from typing import Any

COMPARED = {
    "tfidf": "TF-IDF",
    "control": "the control without distillation",
    "teacher": "a teacher",
    "student": "the student before pruning",
    "onnx_int8": "ONNX int8",
    "coreml_int8": "Core ML int8",
}
ALWAYS = (
    "Any other processor than this one; energy.",
    "Text outside the test split: other topics, other years.",
    "Parameters of an export are those of the PyTorch model that it was made from.",
)


def unmeasured(figures: Mapping[str, Any]) -> list[str]:
    """Say what was not given, not measured, or measured in one way only."""
    absent = [title for name, title in COMPARED.items() if name not in figures["models"]]
    said = [f"Not given, so not compared: {', '.join(absent)}."] if absent else []
    if not figures["devices"]:
        said.append("Latency and memory on a phone: no measurement of a device was given.")
    said += [_disturbed(figures), *_untimed(figures)]
    said = [line for line in said if line]
    if "tfidf" in figures["models"] or "control" in figures["models"]:
        said.append("TF-IDF and the control are rivals in accuracy alone: no file of theirs is kept.")
    return [*said, *ALWAYS]


def _disturbed(figures: Mapping[str, Any]) -> str:
    if not figures["robustness"]:
        return "Disturbed text: typing errors, other scripts, emoji."
    absent = _titles(figures, set(figures["robustness"]["models"]))
    return f"Not asked about disturbed text: {absent}." if absent else ""


def _untimed(figures: Mapping[str, Any]) -> list[str]:
    untimed = _titles(figures, set(figures["latency"]["models"]))
    unweighed = _titles(figures, set(figures["footprint"]["models"]))
    if untimed == unweighed:
        return [f"Neither timed nor measured in memory on this machine: {untimed}."] if untimed else []
    told = {"Not timed": untimed, "Memory and cold start not measured": unweighed}
    return [f"{what} on this machine: {titles}." for what, titles in told.items() if titles]


def _titles(figures: Mapping[str, Any], measured: set[str]) -> str:
    """The models that were left out."""
    return ", ".join(str(model["title"]) for name, model in figures["models"].items() if name not in measured)


def read_from_text(figures: Mapping[str, Any]) -> list[str]:
    """Say of how many texts the tokenizer beside an export gives the tokens that were judged."""
    titles = {"onnx": "the ONNX files", "package": "the Core ML packages"}
    return [
        f"The tokenizer beside {titles.get(name, name)} gives the tokens that were judged for "
        f"{found['same']:,} of {found['rows']:,} texts."
        for name, found in figures["from_text"].items()
        if found
    ]
