"""Figures of reports at the edges: the least that validate can tell, many classes, text that wants to do harm."""

from typing import Any

from tests.report_figures import report_figures

EVIL = (
    '<b class=evil>x</b><script>alert(1)</script><img src="http://x.invalid/y.png">',
    "$x^2$ costs $5 and \\frac{",
    "\u202eright to left\u202c שלום עולם",
    "x" * 300,
    "长" * 200,
    "",
    "\u200b",
    "| a cell | `code` </style></svg> ]]>",
)


def smallest() -> dict[str, Any]:
    """One model, judged by itself: no teacher, no export, nothing timed, no budget."""
    figures = report_figures()
    judged = figures["models"]["float"] | {"title": "Model", "loss": None, "source": ""}
    absent = ("agreement_teacher", "agreement_pytorch", "size_parts", "ece", "brier", "unk_rate", "bytes")
    figures["models"] = {"model": judged | dict.fromkeys(absent) | {"reliability": [], "parameters": 0}}
    figures |= {"final": "model", "reference": "model", "worst": {}, "robustness": None, "training": [], "devices": []}
    figures |= {"agreement": {"names": ["model"], "matrix": [[1.0]]}, "pruning": None, "int8": None}
    figures["latency"] |= {"models": {}, "samples": {}, "lengths": {}, "rounds": {}}
    figures["footprint"] = {"models": {}}
    figures["lineage"] = {name: {**each, "inputs": {}} for name, each in list(figures["lineage"].items())[:1]}
    return figures | {"budgets": [], "verdict": "pass", "failures": []}


def hostile() -> dict[str, Any]:
    """Labels, texts and devices that are markup, mathematics, of another direction, or without end."""
    figures = named(list(EVIL))
    row = {"row_id": "1", "reference_probability": 0.9, "probability": 0.4}
    figures["worst"] = {
        name: [
            {**row, "text": text, "truth": text, "reference": text, "predicted": other}
            for text, other in zip(EVIL, reversed(EVIL), strict=True)
        ]
        for name in ("onnx_int8", "student")
    }
    figures["devices"] = [{**each, "device": EVIL[0], "system": EVIL[2]} for each in figures["devices"]]
    judgement = {"name": "max_class_loss", "model": "onnx_int8", "verdict": "fail", "value": 3.0, "limit": 1.0}
    judgement |= {"unit": "points", "wanted": "at most 1 point", "measured": "3 points"}
    figures["budgets"] = [{**judgement, "advice": EVIL[0], "detail": f"class {EVIL[3]}"}]
    return figures | {"verdict": "fail", "failures": ["max_class_loss"]}


def of_many_classes(count: int) -> dict[str, Any]:
    """As many classes as wanted."""
    return named([f"class {place}" for place in range(count)])


def named(labels: list[str]) -> dict[str, Any]:
    """The usual figures of other classes."""
    figures = report_figures()
    figures["labels"] = labels
    count = len(labels)
    confusion = [
        [20 if row == column else int((row * 7 + column) % 97 < 3) for column in range(count)] for row in range(count)
    ]
    shares = {"precision": 0.9, "recall": 0.8, "f1": 0.85, "support": 25}
    for model in figures["models"].values():
        if model["per_class"]:
            model["per_class"] = [{"label": label, **shares} for label in labels]
            model["confusion"] = confusion
        if model["loss"]:
            rows = {"rows": 25, "lost_rows": 2, "gained_rows": 1}
            model["loss"] = {**model["loss"], "classes": [{"label": label, **rows} for label in labels]}
    return figures
