"""Figures of a made-up release that meets every budget, in the shape that validate tells them in."""

from typing import Any

ROWS, LABELS = 10_000, ("体育", "教育", "科技", "财经")
PER_CLASS = ROWS // len(LABELS)
TITLES = {
    "tfidf": "TF-IDF + logistic regression",
    "majority": "Majority class",
    "control": "Student, no distillation",
    "teacher": "Teacher",
    "student": "Student",
    "pruned": "Pruned",
    "float": "Quantized, as float",
    "qat": "Quantized",
    "onnx_fp32": "ONNX fp32",
    "onnx_int8": "ONNX int8",
    "coreml_fp16": "Core ML fp16",
    "coreml_int8": "Core ML int8",
}
ACCURACY = {
    "tfidf": 0.78,
    "majority": 0.25,
    "control": 0.80,
    "teacher": 0.87,
    "student": 0.868,
    "pruned": 0.867,
    "float": 0.868,
    "qat": 0.867,
    "onnx_fp32": 0.868,
    "onnx_int8": 0.867,
    "coreml_fp16": 0.868,
    "coreml_int8": 0.867,
}
MEGABYTES = {"teacher": 48.0, "student": 24.2, "pruned": 20.0, "float": 20.0, "qat": 20.0, "onnx_fp32": 20.1}
MEGABYTES |= {"onnx_int8": 6.153, "coreml_fp16": 10.2, "coreml_int8": 6.11}
SOURCES = {"qat": "float", "onnx_fp32": "float", "onnx_int8": "float", "coreml_fp16": "float", "coreml_int8": "float"}
MILLISECONDS = {"teacher": 8.0, "student": 3.0, "pruned": 2.4, "onnx_fp32": 1.6, "onnx_int8": 0.8}
LICENCE = {"expression": "Apache-2.0", "use": "open"}


def report_figures() -> dict[str, Any]:
    """A fresh value each time, to be broken at will; judged by nobody yet: no budgets, verdict, failures."""
    return {
        "rows": ROWS,
        "whole_rows": ROWS,
        "labels": list(LABELS),
        "licence": dict(LICENCE),
        "final": "onnx_int8",
        "reference": "teacher",
        "models": {name: model(name) for name in TITLES},
        "agreement": agreement(),
        "worst": {"onnx_int8": [disagreement()]},
        "robustness": robustness(),
        "training": [
            {
                "name": "Teacher",
                "loss": [1.2, 0.6, 0.4],
                "score": [0.8, 0.86, 0.87],
                "score_name": "validation accuracy",
                "best_epoch": 3,
            }
        ],
        "from_text": {"onnx": {"rows": ROWS, "same": ROWS}, "package": {"rows": ROWS, "same": ROWS}},
        "pruning": None,
        "int8": None,
        "other_words": [],
        "onnx_length": 0,
        "coreml_length": 0,
        "lineage": lineage(),
        "latency": latency(),
        "footprint": {"models": {name: footprint(name) for name in MILLISECONDS}},
        "devices": [],
        "report": "ab" * 32,
    }


def model(name: str) -> dict[str, Any]:
    """One model's figures; the control is known by distill's words alone."""
    accuracy, rival = ACCURACY[name], name in ("tfidf", "majority", "control")
    told = {
        "title": TITLES[name],
        "accuracy": accuracy,
        "accuracy_low": accuracy - 0.007,
        "accuracy_high": accuracy + 0.007,
        "macro_f1": accuracy - 0.01,
        "weighted_f1": accuracy,
        "ece": None if rival else 0.03,
        "brier": None if rival else 0.2,
        "reliability": [] if rival else reliability(accuracy),
        "per_class": per_class(accuracy),
        "confusion": confusion(accuracy),
        "agreement_teacher": None if name == "control" else 1.0 if name == "teacher" else 0.95,
        "agreement_pytorch": 0.99 if name in SOURCES else None,
        "source": SOURCES.get(name, ""),
        "bytes": round(MEGABYTES[name] * 1_000_000) if name in MEGABYTES else None,
        "size_parts": parts(MEGABYTES[name]) if name in MEGABYTES else None,
        "parameters": 0 if rival else 12_000_000 if name == "teacher" else 5_000_000,
        "unk_rate": None if rival else 0.012,
        "loss": None if name in ("teacher", "control") else loss(accuracy),
    }
    gain = {"gain": 0.04, "gain_low": 0.03, "gain_high": 0.05, "per_class": [], "confusion": []}
    return told | gain if name == "control" else told


def loss(accuracy: float) -> dict[str, Any]:
    """Against the teacher: 40 rows gained, and lost what makes up the accuracy; spread evenly over the classes."""
    gained = 40 // len(LABELS)
    classes = [
        {"label": label, "rows": PER_CLASS, "lost_rows": gained + before - after, "gained_rows": gained}
        for label, before, after in zip(LABELS, right_rows(ACCURACY["teacher"]), right_rows(accuracy), strict=True)
    ]
    share = ACCURACY["teacher"] - accuracy
    return {
        "lost_rows": sum(each["lost_rows"] for each in classes),
        "gained_rows": 40,
        "rows": ROWS,
        "lost": share,
        "low": share - 0.002,
        "high": share + 0.002,
        "mcnemar_p": 0.01,
        "at_most": share + 0.0018,
        "classes": classes,
    }


def per_class(accuracy: float) -> list[dict[str, Any]]:
    """The classes differ a little, the first being the weakest."""
    return [
        {
            "label": label,
            "precision": accuracy,
            "recall": accuracy - 0.01 + 0.005 * place,
            "f1": accuracy - 0.005 + 0.0025 * place,
            "support": PER_CLASS,
        }
        for place, label in enumerate(LABELS)
    ]


def right_rows(accuracy: float) -> list[int]:
    """Of each class, in whole rows that make up the accuracy; the last classes are a row better."""
    right, classes = round(accuracy * ROWS), len(LABELS)
    return [(right + place) // classes for place in range(classes)]


def confusion(accuracy: float) -> list[list[int]]:
    """Right on the diagonal, the rest in the next class."""
    right, last = right_rows(accuracy), len(LABELS)
    return [
        [
            right[row] if row == column else PER_CLASS - right[row] if (row + 1) % last == column else 0
            for column in range(last)
        ]
        for row in range(last)
    ]


def reliability(accuracy: float) -> list[dict[str, Any]]:
    """15 bins of equal width, all rows in the last but one."""
    bins = [
        {"low": place / 15, "high": (place + 1) / 15, "rows": 0, "confidence": None, "accuracy": None}
        for place in range(15)
    ]
    bins[13] |= {"rows": ROWS, "confidence": 0.9, "accuracy": accuracy}
    return bins


def parts(megabytes: float) -> dict[str, int]:
    """By part; they make up the whole."""
    total = round(megabytes * 1_000_000)
    embeddings, encoder, head = round(0.4 * total), round(0.5 * total), round(0.01 * total)
    return {"embeddings": embeddings, "encoder": encoder, "head": head, "other": total - embeddings - encoder - head}


def agreement() -> dict[str, Any]:
    """Of all pairs that have predictions."""
    names = [name for name in TITLES if name != "control"]
    return {"names": names, "matrix": [[1.0 if one == two else 0.95 for two in names] for one in names]}


def disagreement() -> dict[str, Any]:
    """One row that the model lost."""
    return {
        "row_id": "r1",
        "text": "中国男篮<b>险胜</b> & 小组出线",
        "truth": "体育",
        "reference": "体育",
        "reference_probability": 0.98,
        "predicted": "财经",
        "probability": 0.51,
    }


def robustness() -> dict[str, Any]:
    """Typing mistakes cost a little, truncation much."""
    names = ("teacher", "onnx_int8", "tfidf")
    costs = {"typo_pinyin": ("Homophone typed", 0.03), "truncated": ("First half only", 0.2)}
    return {
        "rows": 1000,
        "seed": 0,
        "models": list(names),
        "disturbances": [
            {
                "name": name,
                "title": title,
                "changed": 900,
                "example": {"before": "中国", "after": "种国"},
                "models": {
                    each: {
                        "clean": ACCURACY[each],
                        "accuracy": ACCURACY[each] - lost,
                        "lost": lost,
                        "flips": lost + 0.01,
                    }
                    for each in names
                },
            }
            for name, (title, lost) in costs.items()
        ],
        "empty": {name: {"label": "财经", "probability": 0.4} for name in names},
    }


def latency() -> dict[str, Any]:
    """Steady; p95 is 1.5 times the median."""
    return {
        "clock": "wall time by time.perf_counter",
        "threads": 1,
        "rows": 100,
        "warmup": 10,
        "repeats": 1,
        "models": {name: {"p50_ms": ms, "p95_ms": 1.5 * ms, "p99_ms": 1.6 * ms} for name, ms in MILLISECONDS.items()},
        "samples": {name: [ms * (0.5 + place / 99) for place in range(100)] for name, ms in MILLISECONDS.items()},
        "lengths": {
            name: [
                {
                    "tokens": tokens,
                    "p50_ms": ms * tokens / 16,
                    "p95_ms": 1.5 * ms * tokens / 16,
                    "p99_ms": 1.6 * ms * tokens / 16,
                    "rows_per_second": 1000 / (ms * tokens / 16),
                }
                for tokens in (16, 32, 64)
            ]
            for name, ms in MILLISECONDS.items()
        },
        "rounds": {},
    }


def footprint(name: str) -> dict[str, float]:
    """A fresh process."""
    added = 3 * MEGABYTES[name]
    start = {"open_ms": 40.0, "first_ms": 5.0, "cold_start_ms": 45.0}
    return {"runtime_mb": 60.0, "peak_mb": 60.0 + added, "added_mb": added, **start}


def device(name: str = "coreml_int8", **changed: Any) -> dict[str, Any]:
    """A measurement of a phone that meets every budget."""
    told = {"model": name, "device": "iPhone 15", "system": "iOS 18.1", "tokens": 32, "p50_ms": 4.0, "p95_ms": 6.0}
    return told | {"memory_mb": 70.0, "cold_start_ms": 90.0, "runs": 50, "source": "xcode"} | changed


def lineage() -> dict[str, Any]:
    """Two ancestors."""
    return {
        "tokens": {
            "kind": "tokens/v1",
            "digest": "11" * 32,
            "stage": "tokenize",
            "inputs": {"data": "22" * 32},
            "licence": "Apache-2.0",
        },
        "model": {
            "kind": "checkpoint/v1",
            "digest": "33" * 32,
            "stage": "qat",
            "inputs": {"tokens": "11" * 32},
            "licence": "Apache-2.0",
        },
    }
