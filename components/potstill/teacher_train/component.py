"""The KFP interface of teacher-train."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("teacher-train"), install_kfp_package=False)
def teacher_train(
    tokens: Input[Dataset],
    start: Input[Model],
    teacher: Output[Model],
    metrics: Output[Metrics],
    epochs: int = 5,
    batch_size: int = 32,
    learning_rate: float = 0.0001,
    weight_decay: float = 0.01,
    warmup_share: float = 0.1,
    max_grad_norm: float = 1.0,
    patience: int = 2,
    seed: int = 0,
    threads: int = 2,
    dtype: str = "auto",
    label_smoothing: float = 0.0,
    start_digest: str = "",
) -> None:
    """Fine-tune a pretrained encoder into the most accurate classifier that the labels allow.

    Args:
        tokens: tokens/v1 with a labelled train and validation split.
        start: checkpoint/v1 of a pretrained encoder of the BERT family.
        epochs: Passes over the labelled rows, at most.
        batch_size: Rows per optimiser step.
        learning_rate: Peak learning rate of AdamW.
        weight_decay: AdamW's weight decay; biases and norms are left out.
        warmup_share: Share of all steps in which the learning rate rises; it falls linearly to 0 after.
        max_grad_norm: Gradients are scaled down to this L2 norm.
        patience: Stop after so many epochs without a better validation score; 0: never stop early.
        seed: Seed of initial weights, row order and dropout.
        threads: CPU threads. Part of the recipe: another number gives other last bits.
        dtype: auto, float32 or bfloat16; auto is bfloat16 where the processor multiplies it natively.
        label_smoothing: Share of each target spread evenly over all labels (arXiv:1512.00567).
        start_digest: Digest that the starting checkpoint must have; empty: any.

    Returns:
        teacher: The fine-tuned checkpoint/v1.
        metrics: Validation accuracy, parameters, epochs, steps, loss, seconds.
    """
    from potstill.kfp_io import run
    from potstill.teacher_train import TeacherTrainConfig, train_teacher

    run(
        train_teacher,
        lambda: TeacherTrainConfig(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            warmup_share=warmup_share,
            max_grad_norm=max_grad_norm,
            patience=patience,
            seed=seed,
            threads=threads,
            dtype=dtype,
            label_smoothing=label_smoothing,
            start_digest=start_digest,
        ),
        {"tokens": tokens, "start": start},
        {"teacher": teacher},
        metrics,
    )
