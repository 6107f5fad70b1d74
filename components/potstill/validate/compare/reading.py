"""A report as `potstill validate` sealed it, with the figures beside it where they are kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from potstill.artifacts import REPORT, Artifact, expect, is_sealed
from potstill.errors import InputError

SUMMARY, PREDICTIONS = "summary.json", "predictions.parquet"
LABELS = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Report:
    """One release as it was judged.

    Attributes:
        given: the path that was given, to name it by where the one who typed it reads.
        artifact: the sealed folder.
        summary: its figures that come out the same each time.
        figures: latency, budgets and verdict, which stand outside; empty where they are not beside it.
    """

    given: Path
    artifact: Artifact
    summary: Mapping[str, Any]
    figures: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the folder that was given: what a page may tell of where it lies."""
        return self.given.resolve().name

    @property
    def labels(self) -> list[str]:
        """Names of the classes, in their order."""
        return list(self.summary["labels"])

    @property
    def models(self) -> Mapping[str, Mapping[str, Any]]:
        """Figures of each model, by name."""
        return dict(self.summary["models"])

    @property
    def final(self) -> str:
        """The model that ships."""
        return str(self.summary["final"])

    @cached_property
    def row_ids(self) -> npt.NDArray[np.object_]:
        """(rows,) what names each row."""
        return np.asarray(self._table.column("row_id").to_numpy(zero_copy_only=False), object)

    def named(self, column: str) -> LABELS:
        """(rows,) names of the labels in a column: the truth in `label`, or what a model of that name predicted."""
        numbers = self._table.column(column).to_numpy(zero_copy_only=False)
        return np.asarray(np.array(self.labels, object)[numbers])

    def probability(self, model: str) -> npt.NDArray[np.float64]:
        """(rows,) probability of what a model predicted."""
        return np.asarray(self._table.column(f"{model}_probability").to_numpy(zero_copy_only=False), np.float64)

    def has_predictions(self, model: str) -> bool:
        """Tell whether it is known what a model predicted on each row."""
        return model in self._table.column_names

    @cached_property
    def _table(self) -> Any:
        return pq.read_table(self.artifact.path / PREDICTIONS)


def read_report(path: Path) -> Report:
    """Read a sealed report, or that of a finished run: a folder with `report` in it.

    Raises:
        ArtifactError: no sealed report, or not what was sealed.
        InputError: a report without what is compared.
    """
    folder = path / "report" if not is_sealed(path) and (path / "report").is_dir() else path
    artifact = expect(folder, REPORT)
    missing = [name for name in (SUMMARY, PREDICTIONS) if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} has no {' and no '.join(missing)}; make the report again with potstill validate")
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    return Report(path, artifact, summary, _figures(folder, artifact.digest))


def _figures(folder: Path, digest: str) -> Mapping[str, Any]:
    """The figures beside a report: `report.json`, or `figures` as a pipeline's run names it."""
    for path in (folder.with_name(f"{folder.name}.json"), folder.with_name("figures")):
        found = _read_json(path)
        if found.get("report") == digest:
            return found
    return {}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
