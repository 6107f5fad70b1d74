"""Named recipes: which losses a distillation sums, how much each counts, and when."""

from collections.abc import Mapping
from dataclasses import dataclass

from potstill.training.weights import CONSTANT, Weight, parse_weight

ANSWERS = ("soft_labels", "hard_labels")  # all others read what a model computes inside
KEPT = ("cls_states", "contrastive_cls", "relations")  # the teacher's side of them is kept on disk
IN_BATCH = (
    "embeddings",
    "hidden_states",
    "attention_scores",
    "feature_maps",
    "attention_distributions",
)  # the teacher runs
LOSSES = (*ANSWERS, *KEPT, *IN_BATCH)

OUTPUTS_OF = {"cls_states": "cls", "contrastive_cls": "cls", "relations": "relations"}  # what teacher-cache must keep

# A recipe writes out every loss that it uses; those it does not name are 0.
RECIPES: Mapping[str, Mapping[str, str]] = {
    # arXiv:1503.02531: the teacher's softened answers.
    "soft": {"soft_labels": "1", "temperature": "2"},
    # arXiv:1909.10351: first what is inside, then the answers.
    "tinybert": {
        "embeddings": "1@first:0.5",
        "hidden_states": "1@first:0.5",
        "attention_scores": "1@first:0.5",
        "soft_labels": "1@last:0.5",
        "temperature": "1",
    },
    # arXiv:2012.15828: how queries, keys and values of one layer relate to each other; then the answers.
    "minilmv2": {"relations": "1@first:0.5", "soft_labels": "1@last:0.5", "temperature": "2"},
    # arXiv:1908.09355: answers, labels, and the normalised [CLS] state of the layers between.
    "pkd": {"soft_labels": "0.5", "hard_labels": "0.5", "cls_states": "1", "temperature": "2"},
    # arXiv:2004.02984: the block outputs that its bottlenecks leave, and attention distributions; then the answers.
    "mobilebert": {
        "feature_maps": "100@first:0.5",
        "attention_distributions": "1@first:0.5",
        "soft_labels": "1@last:0.5",
        "temperature": "1",
    },
}


@dataclass(frozen=True)
class Recipe:
    """A recipe as it is used, with what the options changed in it.

    Attributes:
        weights: of every loss that is used, by its name in LOSSES.
        temperature: of the soft labels.
    """

    weights: Mapping[str, Weight]
    temperature: float

    @property
    def keep(self) -> list[str]:
        """The teacher outputs that it reads, as teacher-cache names them."""
        return ["logits", *sorted({OUTPUTS_OF[name] for name in self.weights if name in OUTPUTS_OF})]

    @property
    def in_batch(self) -> bool:
        """Whether the teacher runs in batches."""
        return any(name in IN_BATCH for name in self.weights)

    @property
    def phased(self) -> bool:
        """Whether losses come and go, so that an early epoch tells nothing of the end."""
        return any(weight.schedule != CONSTANT for weight in self.weights.values())

    def inside(self) -> "Recipe":
        """The same recipe without labels of either kind, each loss at its weight throughout: general distillation."""
        chosen = {name: Weight(weight.value) for name, weight in self.weights.items() if name not in ANSWERS}
        return Recipe(chosen, self.temperature)

    def written_out(self) -> dict[str, str]:
        """Every option that the recipe sets, by name."""
        return {name: str(weight) for name, weight in self.weights.items()} | {"temperature": f"{self.temperature:g}"}


def resolve(recipe: str, changes: Mapping[str, str] | None = None, temperature: float = 0.0) -> Recipe:
    """Put together a recipe and what the options change in it.

    Args:
        recipe: one of RECIPES.
        changes: weights by loss; "" or none leaves it to the recipe.
        temperature: 0 leaves it to the recipe.

    Raises:
        ValueError: a weight that cannot be read, or no loss is left.
    """
    written = {**RECIPES[recipe], **{name: text for name, text in (changes or {}).items() if text}}
    weights = {name: parse_weight(written[name]) for name in LOSSES if name in written}
    used = {name: weight for name, weight in weights.items() if weight.value > 0}
    if not used:
        raise ValueError(f"a loss must have a weight above 0, got recipe {recipe} with all of its losses set to 0")
    return Recipe(used, temperature or float(written["temperature"]))
