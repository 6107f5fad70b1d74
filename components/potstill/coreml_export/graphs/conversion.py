"""From a classifier to an mlprogram with a label as its output."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from potstill.coreml.lengths import Lengths
from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.compression.form import Form
from potstill.coreml_export.compression.writing import WriteForms
from potstill.coreml_export.graphs.activations import Ranges, rounding_activations
from potstill.coreml_export.graphs.classifier import LOGITS, PROBABILITIES
from potstill.coreml_export.graphs.noise import without_noise

with quiet_coremltools():
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)

CHANGING_WEIGHTS = {"common::fuse_conv_scale", "common::fuse_conv_batchnorm"}  # by a factor behind a convolution
NEWEST_OPERATORS = "iOS18"  # since which compressed weights have operators of their own types


@dataclass(frozen=True)
class Wish:
    """How a classifier is converted.

    Attributes:
        name: of the format, for errors.
        inputs: names of its inputs, in the order in which it takes them.
        labels: label names, in the order of the logits.
        lengths: of a text, padding included.
        target: the oldest system that runs it: one of config.TARGETS.
        float32: whether it computes in float32; else in float16.
        kept: names of values that float16 cannot hold; what computes or reads them stays float32.
        forms: the weights that are compressed, by module name.
        ranges: of the inputs of linears, by name of the value, where these become int8.
    """

    name: str
    inputs: Sequence[str]
    labels: Sequence[str]
    lengths: Lengths
    target: str
    float32: bool = False
    kept: Collection[str] = ()
    forms: Mapping[str, Form] = field(default_factory=dict)
    ranges: Ranges | None = None

    @property
    def modern(self) -> bool:
        """Whether the program has the operators of iOS 18."""
        return self.target >= NEWEST_OPERATORS


def convert(classifier: nn.Module, wish: Wish) -> Any:
    """Convert to an mlprogram.

    Its outputs are `classLabel` (a text), `classLabel_probs` (each label's probability) and `logits` (1, labels)
    float32. coremltools cannot give a classifier a second output in one go (it counts the outputs wrongly), so the
    program is converted first and the classifier's end is put to it after, by coremltools as well.

    Args:
        classifier: takes `wish.inputs`, (1, tokens) int32 each, and returns logits and probabilities.
        wish: how.

    Returns: a `coremltools.models.MLModel`, not saved yet.

    Raises:
        ParityError: a weight that cannot be compressed as asked.
    """
    mb.name_count.clear()  # names count up within a process, and would tell what was converted before
    with without_noise():
        program = ct.convert(
            _trace(classifier, wish),
            convert_to="milinternal",
            inputs=[ct.TensorType(name, _shape(wish.lengths), np.int32) for name in wish.inputs],
            outputs=[ct.TensorType(name, dtype=np.float32) for name in (LOGITS, PROBABILITIES)],
            minimum_deployment_target=ct.target[wish.target],
            compute_precision=_precision(wish),
            pass_pipeline=_passes(wish),
        )
        WriteForms(wish.name, wish.forms, wish.modern)(program)
        program.functions["main"].set_output_types(None)
        return ct.convert(
            program,
            convert_to="mlprogram",
            classifier_config=ct.ClassifierConfig(list(wish.labels), predicted_probabilities_output=PROBABILITIES),
            minimum_deployment_target=ct.target[wish.target],
            pass_pipeline=rounding_activations(program, wish.ranges) if wish.ranges else ct.PassPipeline.EMPTY,
            skip_model_load=True,
        )


def _trace(classifier: nn.Module, wish: Wish) -> Any:
    example = torch.ones((1, wish.lengths.longest), dtype=torch.int32)
    with torch.inference_mode():
        return torch.jit.trace(classifier, (example,) * len(wish.inputs), check_trace=False)  # type: ignore[no-untyped-call]


def _shape(lengths: Lengths) -> Any:
    if lengths.ranged:
        low, high = lengths.values
        return ct.Shape((1, ct.RangeDim(low, high, default=high)))
    if lengths.enumerated:
        return ct.EnumeratedShapes([(1, length) for length in lengths.values], default=(1, lengths.longest))
    return (1, lengths.longest)


def _passes(wish: Wish) -> Any:
    """Return coremltools' own passes; a weight that is to be compressed must stay the one that was rounded."""
    pipeline = ct.PassPipeline()
    if wish.forms:
        pipeline.remove_passes(CHANGING_WEIGHTS)
    return pipeline


def _precision(wish: Wish) -> Any:
    if wish.float32:
        return ct.precision.FLOAT32
    return (
        ct.transform.FP16ComputePrecision(op_selector=_holding(frozenset(wish.kept)))
        if wish.kept
        else ct.precision.FLOAT16
    )


def _holding(kept: Collection[str]) -> Callable[[Any], bool]:
    """Tell coremltools which operations may compute in float16: those that neither give nor read a kept value."""

    def holds(operation: Any) -> bool:
        read = [
            each
            for given in operation.inputs.values()
            for each in (given if isinstance(given, list | tuple) else [given])
        ]
        return not any(_packaged(each.name) in kept for each in (*operation.outputs, *read) if each is not None)

    return holds


def _packaged(name: str) -> str:
    """Return the name that a value of a program has in the package."""
    return re.sub("[^a-zA-Z0-9_]", "_", name)
