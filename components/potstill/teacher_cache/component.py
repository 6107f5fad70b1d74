"""The KFP interface of teacher-cache."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("teacher-cache"), install_kfp_package=False)
def teacher_cache(
    teacher: Input[Model],
    tokens: Input[Dataset],
    outputs: Output[Dataset],
    metrics: Output[Metrics],
    unlabelled: Input[Dataset] = None,
    keep: str = "logits",
    relation_layer: int = 0,
    relation_heads: int = 0,
    batch_size: int = 64,
    threads: int = 2,
    dtype: str = "auto",
) -> None:
    """Compute once what a teacher answers on every row; each student that learns from it then costs no teacher pass.

    Args:
        teacher: checkpoint/v1, fine-tuned on the labels of the tokens.
        tokens: tokens/v1; its train, unlabelled and validation rows are answered.
        unlabelled: tokens/v1 whose unlabelled rows are answered, too; optional.
        keep: What is kept, by commas: logits (always), cls, relations; or a recipe of distill: what it reads.
        relation_layer: Layer of the relations, counted from 1; 0: the last.
        relation_heads: Heads that the relations are cut into; 0: the teacher's own.
        batch_size: Rows per batch; rows of like length share one.
        threads: CPU threads. Part of the recipe: another number gives other last bits.
        dtype: auto, float32 or bfloat16; auto is bfloat16 where the processor multiplies it natively.

    Returns:
        outputs: The teacher-outputs/v1.
        metrics: Rows, bytes, the teacher's validation accuracy, seconds.
    """
    from potstill.kfp_io import run
    from potstill.teacher_cache import TeacherCacheConfig, cache_teacher

    run(
        cache_teacher,
        lambda: TeacherCacheConfig(
            keep=keep,
            relation_layer=relation_layer,
            relation_heads=relation_heads,
            batch_size=batch_size,
            threads=threads,
            dtype=dtype,
        ),
        {"teacher": teacher, "tokens": tokens, "unlabelled": unlabelled},
        {"outputs": outputs},
        metrics,
    )
