"""From a traced classifier to an mlprogram with a label as its output."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.fixed_length import INPUTS, LOGITS, PROBABILITIES, FixedLengthClassifier
from potstill.coreml_export.int8 import PREFIX
from potstill.coreml_export.noise import without_noise

with quiet_coremltools():
    import coremltools as ct

TARGETS = ("iOS15", "iOS16", "iOS17", "iOS18")


def convert(classifier: FixedLengthClassifier, labels: Sequence[str], target: str) -> Any:
    """Convert to an mlprogram that computes in float16.

    Its outputs are `classLabel` (a text), `classLabel_probs` (each label's probability) and `logits` (1, labels)
    float32. coremltools cannot give a classifier a second output in one go (it counts the outputs wrongly), so the
    program is converted first and the classifier's end is put to it after, by coremltools as well.

    Args:
        classifier: with the buffers of `announce` where weights are to be int8.
        labels: label names, in the order of the logits.
        target: one of TARGETS: the oldest system that runs it.

    Returns: a `coremltools.models.MLModel`, not saved yet.
    """
    with without_noise():
        program = ct.convert(
            _trace(classifier),
            convert_to="milinternal",
            inputs=[ct.TensorType(name, (1, classifier.length), np.int32) for name in INPUTS],
            outputs=[ct.TensorType(name, dtype=np.float32) for name in (LOGITS, PROBABILITIES)],
            minimum_deployment_target=ct.target[target],
            compute_precision=ct.precision.FLOAT16,
        )
        program.functions["main"].set_output_types(None)
        return ct.convert(
            program,
            convert_to="mlprogram",
            classifier_config=ct.ClassifierConfig(list(labels), predicted_probabilities_output=PROBABILITIES),
            minimum_deployment_target=ct.target[target],
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
        )


def _trace(classifier: FixedLengthClassifier) -> Any:
    if any(PREFIX in name for name in classifier.state_dict()):
        classifier.register_buffer(f"{PREFIX}metadata_version", torch.tensor(1))
    example = torch.ones((1, classifier.length), dtype=torch.int32)
    with torch.inference_mode():
        return torch.jit.trace(classifier, (example,) * len(INPUTS), check_trace=False)  # type: ignore[no-untyped-call]
