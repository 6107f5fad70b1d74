"""From a recipe to the objective that the training loop minimises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from transformers import PreTrainedModel

from potstill import processes
from potstill.distill.batch_terms import (
    AttentionDistributions,
    AttentionScores,
    Embeddings,
    FeatureMaps,
    HiddenStates,
)
from potstill.distill.kept_terms import ClsStates, ContrastiveCls, Relations
from potstill.distill.recipes import Recipe
from potstill.encoder.heads import attention_heads
from potstill.errors import OptionError
from potstill.training.distillation import Distillation, HardLabels, SoftLabels, Term
from potstill.training.teacher_outputs import OutputsView


@dataclass(frozen=True)
class Pair:
    """A student and its teacher.

    Attributes:
        student: the model to train.
        teacher: the model to learn from.
        layer_map: teacher layer (0 is the first) of each student layer.
        multi_label: each label is a yes or no of its own.
    """

    student: PreTrainedModel
    teacher: PreTrainedModel
    layer_map: list[int]
    multi_label: bool

    @property
    def widths(self) -> tuple[int, int]:
        """Hidden widths of student and teacher."""
        return self.student.config.hidden_size, self.teacher.config.hidden_size


def build_objective(recipe: Recipe, pair: Pair, outputs: OutputsView, relation_heads: int) -> Distillation:
    """Make the objective of a recipe.

    Args:
        recipe: the losses and their weights.
        pair: student and teacher.
        outputs: the teacher's kept outputs of the rows to learn from.
        relation_heads: heads of the kept relations; 0 when none are kept.

    Raises:
        OptionError: a loss cannot be computed between these two shapes, or not by several processes.
    """
    makers = _makers(recipe, pair, outputs, relation_heads)
    terms = {name: (makers[name](), weight) for name, weight in recipe.weights.items()}
    _refuse_indivisible({name: term for name, (term, _) in terms.items()}, processes.count())
    return Distillation(terms, pair.teacher if recipe.in_batch else None)


def _makers(recipe: Recipe, pair: Pair, outputs: OutputsView, relation_heads: int) -> dict[str, Callable[[], Term]]:
    layers = pair.layer_map
    return {
        "soft_labels": lambda: SoftLabels(outputs.logits, recipe.temperature, multi_label=pair.multi_label),
        "hard_labels": lambda: HardLabels(multi_label=pair.multi_label),
        "cls_states": lambda: ClsStates(outputs, layers, *pair.widths),
        "contrastive_cls": lambda: ContrastiveCls(outputs, *pair.widths),
        "relations": lambda: Relations(outputs, _divide(pair.student, relation_heads)),
        "embeddings": lambda: Embeddings(*pair.widths),
        "hidden_states": lambda: HiddenStates(layers, *pair.widths),
        "attention_scores": lambda: AttentionScores(layers),
        "feature_maps": lambda: FeatureMaps(_as_wide(pair)),
        "attention_distributions": lambda: AttentionDistributions(_as_many_heads(pair)),
    }


def _refuse_indivisible(terms: Mapping[str, Term], count: int) -> None:
    """Refuse losses that compare the rows of a batch with each other where each process sees a part of them."""
    whole = [name for name, term in terms.items() if not term.divisible]
    if whole and count > 1:
        raise OptionError(
            f"{', '.join(whole)} compares all rows of a batch with each other, and {count} processes each see a part "
            "of them; run it in one process, or use another loss (cls_states matches the same states)"
        )


def _divide(student: PreTrainedModel, heads: int) -> int:
    """Refuse relation heads into which the queries of the student's last layer cannot be cut."""
    size, counts = attention_heads(student.config)
    width = size * counts[-1]
    if width % heads:
        fitting = [str(each) for each in range(1, 65) if width % each == 0]
        raise OptionError(
            f"the student's queries are {width} wide, which {heads} relation heads do not divide; set relation_heads "
            f"to one of {', '.join(fitting)} here and in teacher-cache"
        )
    return heads


def _as_wide(pair: Pair) -> list[int]:
    """Refuse feature maps of unequal width: MobileBERT's paper gives the teacher the width of the student's blocks."""
    width, target = pair.widths
    if width != target:
        raise OptionError(
            f"feature_maps needs layers of equal width, the student's are {width} and the teacher's {target} wide; "
            "use hidden_states, which learns a projection (recipe tinybert)"
        )
    return pair.layer_map


def _as_many_heads(pair: Pair) -> list[int]:
    """Refuse to compare distributions head by head where the numbers of heads differ."""
    (_, own), (_, wanted) = attention_heads(pair.student.config), attention_heads(pair.teacher.config)
    for heads, layer in zip(own, pair.layer_map, strict=True):
        if heads != wanted[layer]:
            raise OptionError(
                f"attention_distributions needs as many attention heads, the student has {heads} and the teacher "
                f"{wanted[layer]} where they are compared; "
                "use attention_scores, or relations, which are cut into heads of their own"
            )
    return pair.layer_map
