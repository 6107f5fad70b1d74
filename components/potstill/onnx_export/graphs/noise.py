"""What the libraries tell their own developers during an export, and no user can act upon."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

WARNINGS = (
    # Only the TorchScript exporter's graphs are fused by onnxruntime; its successor's lose the attention fusion.
    ("You are using the legacy TorchScript-based ONNX export", DeprecationWarning),
    ("The feature will be removed", DeprecationWarning),  # the TorchScript exporter about its own logging
    # transformers branches on shapes and makes constants while it is traced; parity proves that none was wrong.
    ("torch.tensor results are registered as constants", Warning),
    ("Converting a tensor to a Python", Warning),
    ("Constant folding - Only steps=1 can be constant folded", UserWarning),  # MobileBERT's padding; the slice stays
)
MESSAGES = (
    "Please consider to run pre-processing before quantization",  # the graph was just optimised
    "Input hidden size (",  # onnxruntime's fusion about pruned heads; it goes on with the size it finds
    "word_embedding_table (",  # the same about a vocabulary no larger than the positions, which pruning can make
    "The optimized model requires",  # fused graphs are for onnxruntime, and the file says so
)


@contextmanager
def without_noise() -> Iterator[None]:
    """Hide the known messages, and only those, while a library works."""
    loggers = [logging.getLogger(name) for name in ("", "fusion_attention", "fusion_embedlayer")]
    handlers, disabled = list(loggers[0].handlers), logging.root.manager.disable
    with warnings.catch_warnings():
        for message, category in WARNINGS:
            warnings.filterwarnings("ignore", message=message, category=category)
        for logger in loggers:
            logger.addFilter(_is_news)
        logging.disable(logging.INFO)  # KFP's executor shows INFO, and the quantizer writes a line per tensor
        try:
            yield
        finally:
            logging.disable(disabled)
            for logger in loggers:
                logger.removeFilter(_is_news)
            loggers[0].handlers[:] = handlers  # onnxruntime's logging.warning() installs one for the whole process


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(MESSAGES)
