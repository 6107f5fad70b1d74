"""The KFP interface of choose-round."""

from kfp import dsl
from kfp.dsl import Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("choose-round"), install_kfp_package=False)
def choose_round(
    pruned: Input[Model],
    chosen: Output[Model],
    metrics: Output[Metrics],
    round: int = -1,  # noqa: A002 - the option's name
) -> None:
    """Take another round out of a pruned checkpoint: smaller, or more accurate, without pruning again.

    Args:
        pruned: checkpoint/v1 as prune wrote it, with the model of every round.
        round: The round to take, 0 for the trimmed model; -1 is refused with the list of those that are there.

    Returns:
        chosen: The round as a checkpoint/v1 of its own.
        metrics: Round, validation accuracy, points lost and at most lost, parameters, bytes, seconds.
    """
    from potstill.choose_round import ChooseRoundConfig
    from potstill.choose_round import choose_round as choose
    from potstill.kfp_io import run

    run(choose, lambda: ChooseRoundConfig(round=round), {"pruned": pruned}, {"chosen": chosen}, metrics)
