"""The KFP interface of teacher-ensemble."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("teacher-ensemble"), install_kfp_package=False)
def teacher_ensemble(
    members: Input[list[Dataset]],
    tokens: Input[Dataset],
    outputs: Output[Dataset],
    metrics: Output[Metrics],
    first: Input[Dataset] = None,
    weighting: str = "average",
) -> None:
    """Add the logits of several teachers, each times its weight; a student learns from the sum as from one teacher.

    Args:
        members: teacher-outputs/v1 of two or more teachers on these tokens; dsl.Collected gathers them from a loop.
        first: teacher-outputs/v1 of one more teacher, from outside the loop; optional.
        tokens: tokens/v1; its validation labels judge, and find the weights.
        weighting: average, or validation: the weights with the least cross-entropy on the validation labels.

    Returns:
        outputs: The teacher-outputs/v1 of the ensemble.
        metrics: Rows, bytes, validation accuracy of the ensemble and of its best member, seconds.
    """
    from potstill.kfp_io import run
    from potstill.teacher_ensemble import TeacherEnsembleConfig, ensemble_outputs

    run(
        ensemble_outputs,
        lambda: TeacherEnsembleConfig(weighting=weighting),
        {"members": [*members, *([first] if first else [])], "tokens": tokens},
        {"outputs": outputs},
        metrics,
    )
