"""Between KFP and a stage: paths in, measures and digests out. Every component calls `run`, and nothing else.

Nothing of kfp is imported: the artifacts that KFP hands to a component are used as they come.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from potstill.artifacts import MANIFEST, is_sealed, sha256_of
from potstill.errors import PotstillError
from potstill.measure.measures import Measures
from potstill.one_line import one_line
from potstill.os_failures import explain


class KfpArtifact(Protocol):
    """What every KFP artifact has."""

    path: str
    metadata: dict[str, Any]


class KfpMetrics(KfpArtifact, Protocol):
    """What KFP's Metrics has besides."""

    def log_metric(self, metric: str, value: float) -> None:
        """Record one number under a name."""


def run(
    stage: Callable[..., Measures],
    config: Callable[[], Any],
    inputs: Mapping[str, KfpArtifact | Sequence[KfpArtifact] | None],
    outputs: Mapping[str, KfpArtifact],
    metrics: KfpMetrics | None = None,
) -> Measures:
    """Run a stage on the folders of KFP artifacts, and log what it measured.

    Args:
        stage: the stage's function; called with one `Path` per input and output, a tuple of them for an input that is a
            list, and with `config`.
        config: builds the stage's options; called here, so that a refused option ends as one line, too.
        inputs: the artifacts to read, by the name of the stage's parameter; None for one that was not given.
        outputs: the artifacts to write. Each gets the digest, kind and licence of what was sealed in it as metadata.
        metrics: where the stage's finite numbers go.

    Returns: what the stage measured.

    Raises:
        SystemExit: with code 2, after one line on stderr, when the stage refused its work.
    """
    started = time.monotonic()
    read = {name: _folders(each) for name, each in inputs.items() if each is not None}
    written = {name: Path(each.path) for name, each in outputs.items()}
    try:
        measures = stage(**read, **written, config=config())
    except PotstillError as refused:
        raise _stop(refused) from None
    except OSError as failed:  # a full disk, a file that may not be read
        raise _stop(PotstillError(explain(failed, stage.__name__))) from failed
    for name, each in outputs.items():
        if is_sealed(written[name]):
            each.metadata["digest"] = sha256_of(written[name] / MANIFEST)
    if metrics is not None:
        log({**measures, "seconds": round(time.monotonic() - started, 3)}, metrics)
    return measures


def _folders(given: KfpArtifact | Sequence[KfpArtifact]) -> Path | tuple[Path, ...]:
    return tuple(Path(each.path) for each in given) if isinstance(given, Sequence) else Path(given.path)


def log(measures: Measures, metrics: KfpMetrics) -> None:
    """Log the finite numbers; a NaN or an infinity would end the whole step after its work is done."""
    finite = {name: float(value) for name, value in measures.items() if math.isfinite(value)}
    for name, value in finite.items():
        metrics.log_metric(name, value)
    write_payload(metrics, finite)


def write_payload(artifact: KfpArtifact, payload: object) -> None:
    """Write a metrics artifact's content as JSON to its path, too.

    KFP keeps metrics as metadata only and leaves the path empty; its local cache then takes the artifact for lost and
    runs the step again each time.
    """
    path = Path(artifact.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(payload, ensure_ascii=False, indent=2), encoding="utf-8")


def _stop(refused: PotstillError) -> SystemExit:
    print(f"potstill: error: {one_line(str(refused))}", file=sys.stderr)
    return SystemExit(2)
