"""distill's options."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from potstill.distill.recipes import LOSSES, RECIPES, Recipe, resolve
from potstill.encoder.students import INITS, LAYERS_OF_TEACHER, SHAPE_NAMES, Shape
from potstill.options import choose, options
from potstill.training.options import TrainingOptions

# Beyond these the softened distributions are flat, or a single label, in fp32, and nothing is learned from them.
COLDEST, HOTTEST = 0.1, 100


@options
class DistillConfig(TrainingOptions):
    """The student's shape and first weights, and what it learns from the teacher."""

    epochs: Annotated[int, Field(ge=0)] = 3
    """Passes over labelled and unlabelled rows, at most."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-4
    """Peak learning rate of AdamW."""
    shape: str = LAYERS_OF_TEACHER
    """layers-of-teacher, tinybert-4x312, minirbt-6x256, mobilebert or custom."""
    layers: Annotated[int, Field(ge=1)] = 2
    """Layers of a layers-of-teacher, mobilebert or custom student."""
    hidden: Annotated[int, Field(ge=1)] = 312
    """Hidden width of a custom student."""
    heads: Annotated[int, Field(ge=1)] = 12
    """Attention heads of a custom student."""
    ffn: Annotated[int, Field(ge=1)] = 1200
    """FFN neurons of a custom student."""
    init: str = "auto"
    """First weights: teacher, checkpoint, random; auto: --start if given, else the teacher's layers or random."""
    layer_map: str = "uniform"
    """Teacher layer of each student layer: uniform, skip, first, last, or explicit as 0,3."""
    recipe: str = "soft"
    """soft, tinybert, minilmv2, pkd or mobilebert: sets the losses and the temperature that are not set here."""
    temperature: Annotated[float, Field(ge=0, le=HOTTEST)] = 0.0
    """Softens both distributions of the soft labels; 0: as the recipe says."""
    soft_labels: str = ""
    """Weight of the teacher's answers, as 1, 0.5@rise or 1@last:0.5; empty: as the recipe says."""
    hard_labels: str = ""
    """Weight of the true labels."""
    cls_states: str = ""
    """Weight of the normalised [CLS] states of the layers between; reads kept teacher outputs."""
    contrastive_cls: str = ""
    """Weight of telling rows apart by the teacher's [CLS] state; reads kept teacher outputs."""
    relations: str = ""
    """Weight of the relations among queries, keys and values of a layer; reads kept teacher outputs."""
    embeddings: str = ""
    """Weight of matching the embeddings' output; the teacher runs in each batch."""
    hidden_states: str = ""
    """Weight of matching the layers' outputs; the teacher runs in each batch."""
    attention_scores: str = ""
    """Weight of matching attention before softmax; the teacher runs in each batch."""
    feature_maps: str = ""
    """Weight of matching block outputs of equal width; the teacher runs in each batch."""
    attention_distributions: str = ""
    """Weight of matching attention after softmax; the teacher runs in each batch."""
    relation_layer: Annotated[int, Field(ge=0)] = 0
    """Teacher layer whose relations are matched, counted from 1; 0: the last."""
    relation_heads: Annotated[int, Field(ge=0)] = 0
    """Relation heads; 0: as many as the teacher has attention heads."""
    general_epochs: Annotated[int, Field(ge=0)] = 0
    """Passes over the unlabelled rows before the task, with the losses that read no answers."""
    control: bool = False
    """Also train the same student for as many steps on the labels alone, and report the gain."""

    @field_validator("shape")
    @classmethod
    def _shape(cls, value: str) -> str:
        return choose("shape", value, SHAPE_NAMES)

    @field_validator("init")
    @classmethod
    def _init(cls, value: str) -> str:
        return choose("init", value, INITS)

    @field_validator("recipe")
    @classmethod
    def _recipe(cls, value: str) -> str:
        return choose("recipe", value, RECIPES)

    @model_validator(mode="after")
    def _losses(self) -> "DistillConfig":
        inside = self.losses.inside().weights  # reading the recipe refuses what is wrong in it
        if self.general_epochs and not inside:
            raise ValueError(
                f"general_epochs needs a loss that reads no answers, got recipe {self.recipe} with none; "
                "choose recipe minilmv2 or tinybert"
            )
        if (self.relation_layer or self.relation_heads) and "relations" not in self.losses.weights:
            raise ValueError(f"relation_layer and relation_heads need the loss relations, got recipe {self.recipe}")
        if 0 < self.temperature < COLDEST:
            raise ValueError(f"temperature must be 0, or from {COLDEST} to {HOTTEST}, got {self.temperature}")
        return self

    @property
    def losses(self) -> Recipe:
        """The recipe with what the other options change in it."""
        return resolve(self.recipe, {name: getattr(self, name) for name in LOSSES}, self.temperature)

    @property
    def custom(self) -> Shape:
        """The shape that layers, hidden, heads and ffn describe."""
        return Shape(self.layers, self.hidden, self.heads, self.ffn)
