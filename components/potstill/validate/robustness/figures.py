"""What each disturbance costs each model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.validate.robustness.disturbances import Disturbed

Predicted = npt.NDArray[np.int64]
Changed = npt.NDArray[np.bool_]


def tell_robustness(
    disturbed: Sequence[Disturbed],
    truth: Predicted,
    labels: Sequence[str],
    clean: Mapping[str, Predicted],
    found: Mapping[str, Sequence[Predicted]],
    empty: Mapping[str, tuple[int, float]],
    seed: int,
) -> dict[str, Any]:
    """Make the JSON value `robustness` of the summary.

    Args:
        disturbed: of `disturb`.
        truth: (rows,) true labels, indices into `labels`; at least one row.
        labels: names.
        clean: model → (rows,) labels predicted for the clean texts.
        found: model → for each of `disturbed` the (rows,) labels predicted for its texts.
        empty: model → the label of an empty text, and its probability.
        seed: of `disturb`.

    Returns: `rows`, `seed`, `models` in the order of `clean`, `disturbances` and `empty`. For each disturbance: how
        many rows it `changed`, an `example` or null, and per model the `clean` accuracy, the `accuracy` on all rows
        under the disturbance, what is `lost` of it (negative where it rose), and `flips`, the share of changed rows
        whose label is not that of the clean text; null where no row changed. Shares are in [0, 1].
    """
    return {
        "rows": len(truth),
        "seed": seed,
        "models": list(clean),
        "disturbances": [
            {
                "name": each.name,
                "title": each.title,
                "changed": int(each.changed.sum()),
                "example": each.example and dict(zip(("before", "after"), each.example, strict=True)),
                "models": {
                    model: _cost(truth, predicted, found[model][place], each.changed)
                    for model, predicted in clean.items()
                },
            }
            for place, each in enumerate(disturbed)
        ],
        "empty": {
            model: {"label": labels[label], "probability": float(probability)}
            for model, (label, probability) in empty.items()
        },
    }


def _cost(truth: Predicted, clean: Predicted, found: Predicted, changed: Changed) -> dict[str, float | None]:
    before, after = int(np.count_nonzero(clean == truth)), int(np.count_nonzero(found == truth))
    flips = float(np.mean(found[changed] != clean[changed])) if changed.any() else None
    shares = {"clean": before, "accuracy": after, "lost": before - after}  # in rows, as yet: no rounding in `lost`
    return {name: count / len(truth) for name, count in shares.items()} | {"flips": flips}
