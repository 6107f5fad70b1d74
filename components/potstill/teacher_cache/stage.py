"""The stage: a teacher and tokens in, what the teacher answers on every row out."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from potstill.artifacts import CHECKPOINT, TEACHER_OUTPUTS, TOKENS, Artifact, expect, seal
from potstill.data.tokens import VALIDATION
from potstill.distill.recipes import RECIPES, resolve
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.measures import Measures
from potstill.options import Threads, choose, options
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.training.agreement import own_tokens, same_labels, same_tokenizer
from potstill.training.device import pick_device, reproducible, resolve_dtype
from potstill.training.options import DTYPES
from potstill.training.scoring import right
from potstill.training.teacher_outputs import (
    KEPT,
    LOGITS,
    RELATIONS,
    answered_rows,
    describe,
    kept_of,
    read_parts,
    view_parts,
    write_outputs,
)


@options
class TeacherCacheConfig:
    """What is kept of the teacher's pass, and how it is computed."""

    keep: str = LOGITS
    """What is kept, by commas: logits (always), cls, relations; or a recipe of distill: what it reads."""
    relation_layer: Annotated[int, Field(ge=0)] = 0
    """Layer of the relations, counted from 1; 0: the last."""
    relation_heads: Annotated[int, Field(ge=0)] = 0
    """Heads that the relations are cut into; 0: the teacher's own."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Rows per batch; rows of like length share one."""
    threads: Threads = 2
    """CPU threads. Part of the recipe: another number gives other last bits."""
    dtype: str = "auto"
    """auto, float32 or bfloat16; auto is bfloat16 where the processor multiplies it natively."""

    @field_validator("keep")
    @classmethod
    def _keep(cls, value: str) -> str:
        if value in RECIPES:
            return ",".join(resolve(value).keep)
        given = {choose("keep", name.strip(), (*KEPT, *RECIPES)) for name in value.split(",")} | {LOGITS}
        return ",".join(name for name in KEPT if name in given)

    @field_validator("dtype")
    @classmethod
    def _dtype(cls, value: str) -> str:
        return choose("dtype", value, DTYPES)

    @model_validator(mode="after")
    def _relations(self) -> Self:
        if (self.relation_layer or self.relation_heads) and RELATIONS not in self.kept:
            raise ValueError(f"relation_layer and relation_heads need relations in keep, got keep {self.keep!r}")
        return self

    @property
    def kept(self) -> tuple[str, ...]:
        """The names in `keep`, in the order of KEPT."""
        return tuple(self.keep.split(","))


def cache_teacher(
    teacher: Path, tokens: Path, outputs: Path, config: TeacherCacheConfig, unlabelled: Path | None = None
) -> Measures:
    """Compute once what a teacher answers on every row; each student that learns from it then costs no teacher pass.

    Args:
        teacher: `checkpoint/v1`, fine-tuned on the labels of `tokens`.
        tokens: `tokens/v1`; its train, unlabelled and validation rows are answered.
        outputs: where the `teacher-outputs/v1` is written.
        config: the options.
        unlabelled: `tokens/v1` whose `unlabelled` rows are answered, too; same tokenizer.

    Returns: rows, bytes, and the teacher's validation accuracy in [0, 1].

    Raises:
        ArtifactError: an input is not sealed, of another kind, or without the rows it must have.
        InputError: labels or tokenizers of the inputs differ, or an answer does not fit fp16.
        OptionError: the teacher has no such layer, or its width cannot be cut into so many heads.
    """
    inputs = _expect_inputs(teacher, tokens, unlabelled)
    parts = read_parts(tokens, unlabelled)
    with creating(outputs, TEACHER_OUTPUTS, teacher, tokens, unlabelled), reproducible(0, config.threads):
        model = load_classifier(teacher)
        kept = kept_of(model, config.kept, config.relation_layer, config.relation_heads)
        dtype = resolve_dtype(config.dtype, pick_device())
        write_outputs(model, parts, outputs, kept, config.batch_size, dtype)
        reached = float(right(view_parts(outputs, [VALIDATION]).logits.numpy(), parts[VALIDATION]).mean())
        meaning = describe(
            answered_rows(inputs["tokens"], inputs.get("unlabelled")),
            {part: len(table) for part, table in parts.items()},
            kept,
            str(dtype).removeprefix("torch."),
            [{"teacher": inputs["teacher"].digest, "weight": 1.0, "validation_accuracy": reached}],
        )
        sealed = seal(outputs, TEACHER_OUTPUTS, maker("teacher-cache", config), inputs, meaning)
    return {"rows": float(sum(meaning["parts"].values())), "bytes": float(sealed.bytes), "validation_accuracy": reached}


def _expect_inputs(teacher: Path, tokens: Path, unlabelled: Path | None) -> dict[str, Artifact]:
    found = {"teacher": expect(teacher, CHECKPOINT), "tokens": expect(tokens, TOKENS)}
    same_labels(found["teacher"], found["tokens"])
    own_tokens(found["teacher"], found["tokens"])
    if unlabelled:
        found["unlabelled"] = expect(unlabelled, TOKENS)
        same_tokenizer(found["unlabelled"], found["tokens"])
    return found
