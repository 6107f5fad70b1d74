"""distill: every recipe and every shape really learns; kept outputs change nothing; what does not fit is refused."""

import re
from pathlib import Path

import pytest
import torch
from conftest import make_checkpoint, make_tokens
from transformers import BertTokenizerFast

from potstill.artifacts import CHECKPOINT, TEACHER_OUTPUTS, expect
from potstill.distill import DistillConfig, distill_student
from potstill.distill.recipes import IN_BATCH, KEPT, LOSSES, RECIPES, resolve
from potstill.encoder.checkpoint import WEIGHTS, load_classifier, read_config
from potstill.errors import InputError, OptionError
from potstill.teacher_cache import TeacherCacheConfig, cache_teacher
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.training.distillation import Distillation, Seen, Term
from potstill.training.objective import Inputs
from potstill.training.parts import ROWS
from potstill.training.weights import Weight, parse_weight

FAST = {"threads": 1, "dtype": "float32", "batch_size": 16}
CARD = Path(__file__).parents[2] / "components" / "potstill" / "distill" / "README.md"


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("teacher") / "out"
    # Long enough to be sure of its answers: what an unsure teacher says is hard to agree with.
    config = TeacherTrainConfig(epochs=12, patience=0, learning_rate=3e-3, **FAST)
    train_teacher(tiny_tokens, tiny_checkpoint, folder, config)
    return folder


@pytest.fixture(scope="module")
def outputs(tmp_path_factory, teacher, tiny_tokens):
    folder = tmp_path_factory.mktemp("outputs") / "out"
    config = TeacherCacheConfig(keep="logits,cls,relations", threads=1, dtype="float32")
    cache_teacher(teacher, tiny_tokens, folder, config)
    return folder


class Told(Term):
    """A term that is whatever it was told."""

    unit = ROWS

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, seen: Seen) -> torch.Tensor:
        return seen.student.logits.sum() * 0 + self.value


@pytest.mark.parametrize(
    ("text", "at_start", "in_the_middle", "near_the_end"),
    [
        ("2", 2, 2, 2),
        ("2@constant", 2, 2, 2),
        ("2@rise", 0, 1, 1.8),
        ("2@fall", 2, 1, 0.2),
        ("2@first:0.5", 2, 0, 0),
        ("2@last:0.5", 0, 2, 2),
        ("2@last:0.1", 0, 0, 2),
        ("0", 0, 0, 0),
    ],
)
def test_a_weight_follows_its_schedule(text, at_start, in_the_middle, near_the_end):
    weight = parse_weight(text)
    assert [weight.at(p) for p in (0, 0.5, 0.9)] == pytest.approx([at_start, in_the_middle, near_the_end])
    assert parse_weight(str(weight)) == weight


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "nan", "inf", "1@first", "1@first:0", "1@first:2", "1@rise:0.5", "1@never"]
)
def test_a_weight_that_means_nothing_is_refused(text):
    with pytest.raises(ValueError, match="must be WEIGHT"):
        parse_weight(text)


def test_a_distillation_is_the_weighted_sum_of_what_acts_now(tiny_checkpoint):
    model = load_classifier(tiny_checkpoint)
    sum_of = Distillation({"one": (Told(3.0), Weight(2.0)), "two": (Told(5.0), parse_weight("1@last:0.5"))})
    ids = torch.tensor([[2, 7, 3]])
    batch = {
        "rows": torch.tensor([0]),
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "labels": torch.tensor([0]),
    }
    assert sum_of(model, Inputs(**batch, progress=0.2)).item() == pytest.approx(6)
    assert sum_of(model, Inputs(**batch, progress=0.8)).item() == pytest.approx(11)


def test_the_teacher_in_the_batch_is_neither_trained_nor_saved(tiny_checkpoint):
    objective = Distillation({"one": (Told(1.0), Weight(1.0))}, load_classifier(tiny_checkpoint))
    assert list(objective.parameters()) == []
    assert objective.state_dict() == {}


@pytest.mark.parametrize("recipe", [each for each in RECIPES if each != "mobilebert"])
def test_every_recipe_teaches(recipe, tmp_path, teacher, tiny_tokens, outputs):
    config = DistillConfig(recipe=recipe, layers=1, epochs=8, learning_rate=3e-3, **FAST)
    measures = distill_student(teacher, tiny_tokens, tmp_path / "out", config, outputs)
    assert measures["teacher_agreement"] > 0.9
    written = expect(tmp_path / "out", CHECKPOINT).meaning["recipe"]
    assert written == {name: str(parse_weight(text)) for name, text in RECIPES[recipe].items()}


def test_mobilebert_learns_the_block_outputs_of_a_teacher_as_wide_as_its_blocks(
    tmp_path, tokenizer_folder, tiny_tokens
):
    wide = make_checkpoint(tmp_path / "wide", tokenizer_folder, layers=2, hidden=512, intermediate_size=64).path
    config = DistillConfig(shape="mobilebert", recipe="mobilebert", layers=2, epochs=1, **FAST)
    distill_student(wide, tiny_tokens, tmp_path / "out", config)
    assert read_config(tmp_path / "out").model_type == "mobilebert"


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in ("feature_maps", "attention_distributions")])
@pytest.mark.parametrize("shape", ["custom", "mobilebert"])
def test_every_loss_fits_every_shape(loss, shape, tmp_path, teacher, tiny_tokens):
    config = DistillConfig(
        shape=shape, layers=2, hidden=24, heads=2, ffn=48, epochs=1, **{"soft_labels": "0", loss: "1"}, **FAST
    )
    assert distill_student(teacher, tiny_tokens, tmp_path / "out", config)["loss"] > 0


def test_losses_pull_what_they_match_together(tmp_path, teacher, tiny_tokens):
    measured = [
        distill_student(
            teacher,
            tiny_tokens,
            tmp_path / f"{epochs}",
            DistillConfig(shape="custom", hidden=24, heads=2, ffn=48, layers=2, learning_rate=3e-3, soft_labels="0",
                          hidden_states="1", epochs=epochs, **FAST),
        )["loss"]
        for epochs in (1, 6)
    ]  # fmt: skip
    assert measured[1] < 0.7 * measured[0]


@pytest.mark.parametrize("recipe", ["soft", "minilmv2", "pkd"])
def test_kept_outputs_give_the_very_same_student(recipe, tmp_path, teacher, tiny_tokens, outputs):
    config = DistillConfig(recipe=recipe, layers=1, epochs=1, **FAST)
    distill_student(teacher, tiny_tokens, tmp_path / "kept", config, outputs)
    distill_student(teacher, tiny_tokens, tmp_path / "made", config)
    assert (tmp_path / "kept" / WEIGHTS).read_bytes() == (tmp_path / "made" / WEIGHTS).read_bytes()
    assert expect(tmp_path / "kept", CHECKPOINT).inputs["teacher_outputs"] == expect(outputs, TEACHER_OUTPUTS).digest


def test_general_distillation_comes_first_and_reads_no_labels(tmp_path, teacher, tiny_tokens, outputs):
    config = DistillConfig(recipe="minilmv2", layers=1, epochs=1, general_epochs=2, **FAST)
    distill_student(teacher, tiny_tokens, tmp_path / "out", config, outputs)
    general, task = expect(tmp_path / "out", CHECKPOINT).meaning["training"]
    assert (general["epochs"], task["epochs"]) == (2, 1)
    assert general["validation_score_per_epoch"] == []
    assert general["loss_per_epoch"][1] < general["loss_per_epoch"][0]


def test_a_student_can_be_the_start_of_another(tmp_path, teacher, tiny_tokens):
    first = DistillConfig(recipe="tinybert", layers=1, epochs=1, **FAST)
    distill_student(teacher, tiny_tokens, tmp_path / "first", first)
    second = DistillConfig(epochs=0, **FAST)
    distill_student(teacher, tiny_tokens, tmp_path / "second", second, start=tmp_path / "first")
    assert (tmp_path / "first" / WEIGHTS).read_bytes() == (tmp_path / "second" / WEIGHTS).read_bytes()


def test_an_assistant_chain(tmp_path, teacher, tiny_tokens):
    distill_student(teacher, tiny_tokens, tmp_path / "assistant", DistillConfig(layers=2, epochs=1, **FAST))
    measures = distill_student(
        tmp_path / "assistant",
        tiny_tokens,
        tmp_path / "student",
        DistillConfig(layers=1, epochs=3, learning_rate=3e-3, **FAST),
    )
    assert measures["teacher_agreement"] > 0.9


def test_the_control_gives_a_gain_with_its_interval(tmp_path, teacher, tiny_tokens, outputs):
    config = DistillConfig(layers=1, epochs=2, control=True, **FAST)
    measures = distill_student(teacher, tiny_tokens, tmp_path / "out", config, outputs)
    assert measures["gain_low"] <= measures["gain_over_control"] <= measures["gain_high"]
    control = expect(tmp_path / "out", CHECKPOINT).meaning["control"]
    assert control["steps"] <= measures["steps"]
    assert control["gain"] == measures["gain_over_control"]


def test_outputs_of_other_tokens_are_refused(tmp_path, teacher, tokenizer_folder, outputs):
    others = make_tokens(tmp_path / "tokens", tokenizer_folder, rows=32).path
    with pytest.raises(InputError, match="run teacher-cache"):
        distill_student(teacher, others, tmp_path / "out", DistillConfig(layers=1, **FAST), outputs)
    assert not (tmp_path / "out").exists()


def test_outputs_of_another_teacher_are_refused(tmp_path, tiny_checkpoint, tiny_tokens, outputs):
    with pytest.raises(InputError, match="run teacher-cache with this teacher"):
        distill_student(tiny_checkpoint, tiny_tokens, tmp_path / "out", DistillConfig(layers=1, **FAST), outputs)


def test_outputs_that_lack_what_the_recipe_reads_are_refused_with_the_way_out(tmp_path, teacher, tiny_tokens):
    cache_teacher(teacher, tiny_tokens, tmp_path / "logits", TeacherCacheConfig(threads=1))
    with pytest.raises(
        InputError, match=r"keeps logits, recipe minilmv2 reads relations, too; .*--keep logits,relations"
    ):
        distill_student(
            teacher,
            tiny_tokens,
            tmp_path / "out",
            DistillConfig(recipe="minilmv2", layers=1, **FAST),
            tmp_path / "logits",
        )


def test_relations_of_another_layer_are_refused(tmp_path, teacher, tiny_tokens, outputs):
    config = DistillConfig(recipe="minilmv2", layers=1, relation_layer=1, **FAST)
    with pytest.raises(InputError, match="has relation_layer 2, distill is asked for 1"):
        distill_student(teacher, tiny_tokens, tmp_path / "out", config, outputs)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shape": "custom", "hidden": 25, "heads": 5, "relations": "1"}, "relation heads do not divide"),
        ({"shape": "custom", "hidden": 24, "heads": 2, "feature_maps": "1"}, "equal width"),
        ({"shape": "custom", "hidden": 24, "heads": 2, "attention_distributions": "1"}, "as many attention heads"),
    ],
)
def test_losses_that_do_not_fit_the_shape_are_refused(options, said, tmp_path, teacher, tiny_tokens):
    with pytest.raises(OptionError, match=said):
        distill_student(teacher, tiny_tokens, tmp_path / "out", DistillConfig(layers=2, epochs=1, **options, **FAST))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipe": "magic"}, "recipe must be one of soft, tinybert"),
        ({"soft_labels": "x"}, "a loss's weight must be"),
        ({"soft_labels": "0"}, "a loss must have a weight above 0"),
        ({"general_epochs": 1}, "general_epochs needs a loss that reads no answers"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": 1e-9}, "temperature must be 0, or from 0.1 to 100"),
        ({"temperature": 1e9}, "temperature"),
        ({"relation_heads": 4}, "need the loss relations, got recipe soft"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, said):
    with pytest.raises(OptionError, match=said):
        DistillConfig(**options)


def test_options_change_a_recipe_and_leave_the_rest_of_it():
    recipe = resolve("pkd", {"hard_labels": "0", "relations": "0.3@rise"}, 4.0)
    assert recipe.written_out() == {
        "soft_labels": "0.5", "cls_states": "1", "relations": "0.3@rise", "temperature": "4",
    }  # fmt: skip
    assert recipe.keep == ["logits", "cls", "relations"]
    assert not recipe.in_batch
    assert resolve("tinybert", {}, 0).in_batch


def test_the_card_tells_the_recipes_as_they_are():
    card = CARD.read_text(encoding="utf-8")
    for name, written in RECIPES.items():
        row = next(line for line in card.splitlines() if line.startswith(f"| `{name}` |"))
        losses = dict(part.split(" ") for part in re.findall(r"`([a-z_]+ [^`]+)`", row))
        assert losses | {"temperature": row.split("|")[3].strip()} == written
    for loss in (*KEPT, *IN_BATCH):
        assert f"| `{loss}` |" in card


def test_the_same_rows_twice_are_refused(tmp_path, teacher, tiny_tokens):
    with pytest.raises(InputError, match="is the token set itself"):
        distill_student(teacher, tiny_tokens, tmp_path / "out", DistillConfig(layers=1, **FAST), unlabelled=tiny_tokens)


def test_teacher_cache_keeps_what_a_recipe_reads():
    for recipe in RECIPES:
        assert TeacherCacheConfig(keep=recipe).kept == tuple(resolve(recipe).keep)
    with pytest.raises(OptionError, match="keep must be one of logits, cls, relations, soft"):
        TeacherCacheConfig(keep="magic")


def test_a_start_with_other_words_is_refused(tmp_path, teacher, tiny_tokens, tiny_checkpoint, tokenizer_folder):
    words = (tokenizer_folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    other = tmp_path / "tokenizer"
    other.mkdir()
    (other / "vocab.txt").write_text("\n".join([*words[:5], *reversed(words[5:])]) + "\n", encoding="utf-8")
    BertTokenizerFast.from_pretrained(other).save_pretrained(other)
    start = make_checkpoint(tmp_path / "start", other).path
    with pytest.raises(InputError, match=r"have other ids in .*tokenize with this checkpoint's own tokenizer"):
        distill_student(teacher, tiny_tokens, tmp_path / "out", DistillConfig(**FAST), start=start)
    with pytest.raises(InputError, match="have other ids in"):
        train_teacher(tiny_tokens, start, tmp_path / "out", TeacherTrainConfig(**FAST))
