"""The rivals that any model must beat: the commonest label, and TF-IDF with logistic regression on the same labels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from potstill.data.tokens import NO_LABEL, TRAIN, has_split, read_split, read_texts
from potstill.measure.tfidf import train_tfidf

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """The training rows that have a label: their texts, and (rows,) labels."""

    texts: list[str]
    truth: npt.NDArray[np.int64]


def labelled_rows(tokens: Path) -> Labelled | None:
    """Read the labelled rows of the train split; None where there is none."""
    if not has_split(tokens, TRAIN):
        return None
    truth, texts = read_split(tokens, TRAIN).labels, read_texts(tokens, TRAIN)
    labelled = np.flatnonzero(truth != NO_LABEL)
    return Labelled([texts[row] for row in labelled], truth[labelled]) if len(labelled) else None


class Majority:
    """Says of every text what most training rows are; its probabilities are their shares."""

    name, parameters = "majority", 0

    def __init__(self, rows: Labelled, labels: int) -> None:
        self._shares = np.bincount(rows.truth, minlength=labels) / len(rows.truth)

    def predict(self, texts: list[str]) -> Probabilities:
        """(texts, labels) probabilities."""
        return np.tile(self._shares, (len(texts), 1))


class Tfidf:
    """Characters' 1- and 2-grams; see `measure.tfidf`."""

    name = "tfidf"

    def __init__(self, rows: Labelled, labels: int) -> None:
        self._rival = train_tfidf(rows.texts, rows.truth, labels)
        self.parameters = self._rival.parameters

    def predict(self, texts: list[str]) -> Probabilities:
        """(texts, labels) probabilities."""
        return self._rival.predict(texts)


def rivals(tokens: Path, labels: int) -> list[Majority | Tfidf]:
    """Train the rivals; TF-IDF needs two different labels to learn, and without a labelled row there is none."""
    rows = labelled_rows(tokens)
    if rows is None:
        return []
    several = len(np.unique(rows.truth)) > 1
    return [Majority(rows, labels), *([Tfidf(rows, labels)] if several else [])]
