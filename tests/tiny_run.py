"""Parameters that make each step of the compress pipeline short, and still make all that a run makes."""

from tests.validating import only

TINY = {
    "max_length": 16,
    "test_share": 0.2,
    "validation_share": 0.2,
    "labelled_rows": 96,
    "vocabulary_min_count": 1,
    "teacher_epochs": 4,
    "teacher_learning_rate": 0.003,
    "student_layers": 1,
    "distill_epochs": 2,
    "distill_learning_rate": 0.003,
    "prune_rounds": 1,
    "max_accuracy_drop": 100.0,
    "budgets": only(max_size_mb=20.0),
    "robustness_rows": 8,
    "threads": 1,
    "dtype": "float32",
}
