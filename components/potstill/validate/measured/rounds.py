"""How long a row takes in each round of the pruning, here: prune itself tells milliseconds only by a table it is given.

Times differ from run to run, so they stand beside the sealed report and not in it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from potstill.artifacts import Artifact
from potstill.data.tokens import TokenTable
from potstill.prune.curve import Curve, read_curve, round_folder
from potstill.validate.config import ValidateConfig
from potstill.validate.inputs import pruned_of
from potstill.validate.measured.timing import time_rows
from potstill.validate.models.torch_models import open_checkpoint


def time_rounds(
    inputs: Mapping[str, Artifact], rows_for: Callable[[Path], TokenTable], config: ValidateConfig
) -> dict[str, float]:
    """Measure the median milliseconds of one row, by the name of each point of the curve.

    Args:
        inputs: what is judged.
        rows_for: gives the test rows as the model in a folder reads them.
        config: how many rows, and uncounted calls before them.

    Returns: nothing without a curve, or where not all of its models are here to be timed alike.
    """
    pruned, student = pruned_of(inputs), inputs.get("student")
    curve = read_curve(pruned.path)
    if curve is None or student is None or student.digest != pruned.inputs.get("student"):
        return {}
    folders = _folders(curve, student.path, pruned.path)
    if not all(folder.is_dir() for folder in folders.values()):
        return {}
    found = {name: time_rows(open_checkpoint(folder), rows_for(folder), config) for name, folder in folders.items()}
    return {name: timed[0].p50_ms for name, timed in found.items() if timed}


def _folders(curve: Curve, student: Path, pruned: Path) -> dict[str, Path]:
    """Where the model of each point lies, whether it was kept or not."""
    places: dict[int | None, Path] = {None: student, curve.chosen: pruned}
    return {point.name: places.get(point.round, round_folder(pruned, point.round or 0)) for point in curve.points}
