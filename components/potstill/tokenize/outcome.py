"""What tokenize tells: the statistics file, and the measures."""

import json
from collections.abc import Mapping
from pathlib import Path

from potstill.data.tokens import SPLITS
from potstill.measure.measures import Measures
from potstill.tokenize.arrangement import Counts
from potstill.tokenize.shipping import Vocabulary
from potstill.tokenize.statistics import SplitStatistics

STATISTICS = "statistics.json"


def write_statistics(
    tokens: Path, counts: Counts, splits: Mapping[str, SplitStatistics], vocabulary: Vocabulary
) -> None:
    """Write statistics.json: what became of the rows, figures of each split, size of the vocabulary."""
    body = {
        "rows": vars(counts),
        "splits": {split: statistics.summary() for split, statistics in splits.items()},
        "vocabulary": vocabulary.summary(),
    }
    text = json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)
    (tokens / STATISTICS).write_text(text + "\n", encoding="utf-8")


def measures_of(counts: Counts, splits: Mapping[str, SplitStatistics], vocabulary: Vocabulary) -> Measures:
    """Give the figures of all splits together."""
    every = splits.values()
    unknown = sum(each.unknown for each in every) / max(sum(each.words for each in every), 1)
    cut = vocabulary.cut
    return {
        "rows_read": float(counts.rows),
        "duplicates": float(counts.duplicates),
        "conflicts": float(counts.conflicts),
        "empty": float(counts.empty),
        **{f"rows_{split}": float(splits[split].rows if split in splits else 0) for split in SPLITS},
        "unknown_rate": unknown,
        "unknown_rate_before_pruning": cut.unknown_rate_before if cut else unknown,
        "truncated_share": sum(each.truncated for each in every) / max(sum(each.rows for each in every), 1),
        "vocabulary_size": float(vocabulary.after),
        "vocabulary_coverage": cut.coverage if cut else 1.0,
    }
