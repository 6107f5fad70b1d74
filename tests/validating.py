"""Options of validate for tests: little measured, and no budgets but those that a test is about."""

import json

from potstill.validate.budgets import Budgets

QUICK = {  # next to nothing is timed or disturbed
    "latency_rows": 2,
    "latency_warmup": 0,
    "latency_lengths": "8",
    "threads": 1,
    "robustness_rows": 2,
    "footprint": False,
}


def only(**limits):
    """YAML of these budgets alone; tiny untrained models would not meet the defaults."""
    none = {name: None for name, field in Budgets.model_fields.items() if field.default not in (True, False)}
    return json.dumps({**none, "confidence": 0.95, "beat_tfidf": False, **limits})
