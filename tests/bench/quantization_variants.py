"""What bench_quantization compares: ways to make one classifier int8, each with its budget."""

from dataclasses import dataclass, field
from typing import Any

from potstill.onnx_export.config import INT8, INT8_QDQ, OPTIMIZED
from potstill.qat import QatConfig

FLOAT, QAT = "float", "qat"  # the student as it came; the stage
CONTROL, TORCHAO = "control", "torchao"  # trained as the stage trains, but in float; torchao's PT2E
OPTIMUM, DEFAULTS = "optimum", "onnxruntime"  # optimum-cli; onnxruntime's quantize_static, with nothing chosen
CALIBRATION_ROWS = 512  # of every way that calibrates
FLOOR = 1.0  # points, of the ways that keep one
LOOSE = 10.0  # the same where there are too few rows to show less
# Of the variants that are named in comparisons.
ALONE, TRAINED, LEARNED, SMOOTHED = "qat-alone", "qat-teacher", "qat-learned", "qat-smooth"
PT2E, CLI, NAIVE, ON = "torchao-qat", "optimum-cli", "defaults-padded", "float-trained"


@dataclass(frozen=True)
class Budget:
    """How long everything that trains is trained.

    Attributes:
        rows: titles or reviews, labelled or not.
        epochs: passes over them.
        learning_rate: of AdamW at its peak.
    """

    rows: int
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class Variant:
    """One row of the tables.

    Attributes:
        name: of its folder; `--only` matches it.
        title: what the table calls it.
        way: who makes it.
        options: of the stage; the other ways read rows, epochs, seed and the like from them.
        teacher: whether the teacher's answers are learned; else the student's own, as they were in float.
    """

    name: str
    title: str
    way: str = QAT
    options: dict[str, Any] = field(default_factory=dict)
    teacher: bool = False

    def config(self, budget: Budget, most: int = 0) -> QatConfig:
        """Return the options; most: rows to calibrate with, where they are to be few, else 0."""
        given = {"rows": budget.rows, "epochs": budget.epochs, "learning_rate": budget.learning_rate}
        given |= {"calibration_rows": CALIBRATION_ROWS, **self.options}
        if most:
            given |= {"calibration_rows": min(given["calibration_rows"], most)}
            given |= {name: LOOSE for name in given if name == "max_accuracy_drop"}
        return QatConfig(**given)

    @property
    def format(self) -> str:
        """The ONNX file that its checkpoint becomes."""
        if self.way in (FLOAT, CONTROL):
            return OPTIMIZED
        return INT8 if self.options.get("method") == "dynamic" else INT8_QDQ

    @property
    def post_training(self) -> bool:
        """Whether it is ours, quantises all linears, and trains nothing."""
        return (
            self.way == QAT and self.options.get("method", "qat") != "qat" and not self.options.get("max_accuracy_drop")
        )


def all_variants() -> list[Variant]:
    """List every variant, in the order in which they are made and stand in the tables."""
    return [
        Variant(FLOAT, "float", FLOAT),
        Variant(ON, "float, trained as QAT is", CONTROL, teacher=True),
        *post_training(),
        *trained(),
        *with_floor(),
        *peers(),
    ]


def post_training() -> list[Variant]:
    """List the ways that train nothing."""
    calibrations = ("minmax", "percentile", "entropy")
    alphas = (0.5, 0.8)
    return [
        Variant("dynamic", "dynamic", options={"method": "dynamic"}),
        *(Variant(f"static-{how}", f"static, {how}", options=static(calibration=how)) for how in calibrations),
        *(Variant(f"smooth-{a}", f"static, minmax, SmoothQuant α = {a}", options=static(smoothing=a)) for a in alphas),
    ]


def static(**options: object) -> dict[str, object]:
    """Return options of calibration alone."""
    return {"method": "static", **options}


def trained() -> list[Variant]:
    """List the ways that train."""
    return [
        Variant(ALONE, "QAT, its own teacher"),
        Variant(TRAINED, "QAT, the teacher", teacher=True),
        Variant(LEARNED, "QAT, the teacher, learned ranges", options={"ranges": "learned"}, teacher=True),
        Variant(SMOOTHED, "QAT, the teacher, SmoothQuant α = 0.5", options={"smoothing": 0.5}, teacher=True),
    ]


def with_floor() -> list[Variant]:
    """List the ways that leave linears in float until a floor holds."""
    floor = {"max_accuracy_drop": FLOOR}
    return [
        Variant("mixed-static", f"mixed: static, minmax, floor {FLOOR:g} point", options=static(**floor)),
        Variant("mixed-qat", f"mixed: QAT, the teacher, floor {FLOOR:g} point", options=floor, teacher=True),
    ]


def peers() -> list[Variant]:
    """List what others make of the same student."""
    return [
        Variant(PT2E, "torchao: PT2E QAT, the teacher", TORCHAO, teacher=True),
        Variant(CLI, "optimum-cli onnxruntime quantize (dynamic)", OPTIMUM),
        Variant("defaults-unpadded", "onnxruntime quantize_static, its defaults", DEFAULTS),
        Variant(NAIVE, "onnxruntime quantize_static, its defaults, rows padded", DEFAULTS),
    ]
