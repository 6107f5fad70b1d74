"""The end that every pipeline shares: export, judge, and let only what passes through."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipelines.placement import place
from potstill.coreml_export.component import coreml_export
from potstill.onnx_export.component import onnx_export
from potstill.validate.component import gate, validate

JUDGED = ("report", "figures", "judgement", "page", "markdown", "card", "confusion")


class Delivered(NamedTuple):
    """The pipeline's outputs by name, and the task of the gate, which what follows comes after."""

    outputs: dict[str, Any]
    gated: Any


def deliver(
    tokens: Any, model: Any, onnx_options: Mapping[str, Any], coreml_options: Mapping[str, Any], **judging: Any
) -> Delivered:
    """Wire both exporters, validate and the gate into the pipeline that calls this.

    Args:
        tokens: the token set, a task's output.
        model: the last checkpoint, a task's output.
        onnx_options: parameters of onnx-export.
        coreml_options: parameters of coreml-export.
        judging: further inputs and parameters of validate: what to compare with, budgets, threads.

    Returns: the pipeline's outputs of these steps, and the gate.
    """
    to_onnx = onnx_export(model=model, tokens=tokens, **onnx_options)
    to_coreml = coreml_export(model=model, tokens=tokens, **coreml_options)
    onnx, package = to_onnx.outputs["onnx"], to_coreml.outputs["package"]
    judged = validate(tokens=tokens, model=model, onnx=onnx, package=package, **judging)
    gated = gate(**{name: judged.outputs[name] for name in ("verdict", "failures", "figures", "page")})
    place(to_onnx, "onnx-export")
    place(to_coreml, "coreml-export")
    place(judged, "validate")
    place(gated, "gate").set_caching_options(enable_caching=False)  # a verdict is asked for in every run
    outputs = {
        "onnx": onnx,
        "package": package,
        **{name: judged.outputs[name] for name in JUDGED},
        "onnx_export_metrics": to_onnx.outputs["metrics"],
        "coreml_export_metrics": to_coreml.outputs["metrics"],
        "validate_metrics": judged.outputs["metrics"],
    }
    return Delivered(outputs, gated)
