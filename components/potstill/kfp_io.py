"""Between KFP and a stage: paths in, measures and digests out. Every component calls `run`, and nothing else.

Nothing of kfp is imported: the artifacts that KFP hands to a component are used as they come.
"""

import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from potstill.artifacts import MANIFEST, is_sealed, sha256_of
from potstill.errors import PotstillError
from potstill.measure.measures import Measures
from potstill.options import explain


class KfpArtifact(Protocol):
    """What every KFP artifact has."""

    path: str
    metadata: dict[str, Any]


class KfpMetrics(Protocol):
    """What KFP's Metrics has besides."""

    def log_metric(self, metric: str, value: float) -> None:
        """Record one number under a name."""


def run(
    stage: Callable[..., Measures],
    config: Callable[[], Any],
    inputs: Mapping[str, KfpArtifact | None],
    outputs: Mapping[str, KfpArtifact],
    metrics: KfpMetrics | None = None,
) -> Measures:
    """Run a stage on the folders of KFP artifacts, and log what it measured.

    Args:
        stage: the stage's function; called with one `Path` per input and output and with `config`.
        config: builds the stage's options; called here, so that a refused option ends as one line, too.
        inputs: the artifacts to read, by the name of the stage's parameter; None for one that was not given.
        outputs: the artifacts to write. Each gets the digest, kind and licence of what was sealed in it as metadata.
        metrics: where the stage's finite numbers go.

    Returns: what the stage measured.

    Raises:
        SystemExit: with code 2, after one line on stderr, when the stage refused its work.
    """
    started = time.monotonic()
    folders = {name: Path(each.path) for name, each in {**inputs, **outputs}.items() if each is not None}
    try:
        measures = stage(**folders, config=config())
    except ValidationError as refused:
        raise _stop(explain(refused)) from None
    except PotstillError as refused:
        raise _stop(refused) from None
    for name, each in outputs.items():
        if is_sealed(folders[name]):
            each.metadata["digest"] = sha256_of(folders[name] / MANIFEST)
    if metrics is not None:
        log({**measures, "seconds": round(time.monotonic() - started, 3)}, metrics)
    return measures


def log(measures: Measures, metrics: KfpMetrics) -> None:
    """Log the finite numbers; a NaN or an infinity would end the whole step after its work is done."""
    for name, value in measures.items():
        if math.isfinite(value):
            metrics.log_metric(name, float(value))


def _stop(refused: PotstillError) -> SystemExit:
    print(f"potstill: error: {refused}", file=sys.stderr)
    return SystemExit(2)
