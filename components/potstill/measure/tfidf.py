"""The rival that every neural model must beat: character TF-IDF and logistic regression, trained in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline


@dataclass(frozen=True)
class Rival:
    """A fitted TF-IDF classifier.

    Attributes:
        pipeline: texts → probabilities of the classes that it was trained on.
        labels: how many labels there are, those without a training row included.
    """

    pipeline: Pipeline
    labels: int

    @property
    def parameters(self) -> int:
        """Number of coefficients and intercepts."""
        regression = self.pipeline[-1]
        return int(regression.coef_.size + regression.intercept_.size)

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return probabilities (rows, labels); 0 for a label without a training row."""
        probabilities = np.zeros((len(texts), self.labels))
        probabilities[:, self.pipeline.classes_] = self.pipeline.predict_proba(texts)
        probabilities /= probabilities.sum(axis=1, keepdims=True)  # they came in float32, and sum to 1 in that
        return probabilities


def train_tfidf(texts: Sequence[str], truth: npt.NDArray[np.int64], labels: int) -> Rival:
    """Fit characters' 1- and 2-grams; deterministic, for its solver (L-BFGS) draws no random number.

    Args:
        texts: the labelled texts.
        truth: (texts,) labels in [0, labels), two different ones at least.
        labels: how many labels there are.
    """
    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    pipeline = make_pipeline(grams, LogisticRegression(C=10.0, max_iter=1000))
    return Rival(pipeline.fit(list(texts), truth), labels)
