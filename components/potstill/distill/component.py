"""The KFP interface of distill."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("distill"), install_kfp_package=False)
def distill(
    teacher: Input[Model],
    tokens: Input[Dataset],
    student: Output[Model],
    metrics: Output[Metrics],
    start: Input[Model] = None,
    unlabelled: Input[Dataset] = None,
    epochs: int = 3,
    batch_size: int = 32,
    learning_rate: float = 0.0002,
    weight_decay: float = 0.01,
    warmup_share: float = 0.1,
    max_grad_norm: float = 1.0,
    patience: int = 2,
    seed: int = 0,
    threads: int = 2,
    dtype: str = "auto",
    shape: str = "layers-of-teacher",
    layers: int = 2,
    hidden: int = 312,
    heads: int = 12,
    ffn: int = 1200,
    init: str = "auto",
    layer_map: str = "uniform",
    temperature: float = 2.0,
    alpha: float = 0.0,
    hidden_weight: float = 0.0,
    control: bool = False,
) -> None:
    """Train a small student to answer as the teacher does, on labelled and all the unlabelled text.

    Args:
        teacher: checkpoint/v1, fine-tuned on the labels of the tokens.
        tokens: tokens/v1; train and unlabelled rows are learned from, validation chooses the epoch.
        start: checkpoint/v1 of a small pretrained encoder for the student's first weights; optional.
        unlabelled: tokens/v1 whose unlabelled rows are learned from, too; optional.
        epochs: Passes over labelled and unlabelled rows, at most.
        batch_size: Rows per optimiser step.
        learning_rate: Peak learning rate of AdamW.
        weight_decay: AdamW's weight decay; biases and norms are left out.
        warmup_share: Share of all steps in which the learning rate rises; it falls linearly to 0 after.
        max_grad_norm: Gradients are scaled down to this L2 norm.
        patience: Stop after so many epochs without a better validation score; 0: never stop early.
        seed: Seed of initial weights, row order and dropout.
        threads: CPU threads. Part of the recipe: another number gives other last bits.
        dtype: auto, float32 or bfloat16; auto is bfloat16 where the processor multiplies it natively.
        shape: layers-of-teacher, tinybert-4x312, minirbt-6x256, mobilebert or custom.
        layers: Layers of a layers-of-teacher, mobilebert or custom student.
        hidden: Hidden width of a custom student.
        heads: Attention heads of a custom student.
        ffn: FFN neurons of a custom student.
        init: First weights: teacher, checkpoint, random; auto: --start if given, else the teacher's layers or random.
        layer_map: Teacher layer of each student layer: uniform, first, last, or explicit as 0,3.
        temperature: Softens both distributions in the soft-label loss.
        alpha: Weight of the true labels against the teacher's; 0: the teacher alone.
        hidden_weight: Weight of hidden-state matching; above 0 the teacher runs in every batch.
        control: Also train the same student for as many steps on the labels alone, and report the gain.

    Returns:
        student: The student's checkpoint/v1.
        metrics: Validation accuracy, agreement with the teacher, parameters, steps, gain over the control, seconds.
    """
    from potstill.distill import DistillConfig, distill_student
    from potstill.kfp_io import run

    run(
        distill_student,
        lambda: DistillConfig(
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
            shape=shape,
            layers=layers,
            hidden=hidden,
            heads=heads,
            ffn=ffn,
            init=init,
            layer_map=layer_map,
            temperature=temperature,
            alpha=alpha,
            hidden_weight=hidden_weight,
            control=control,
        ),
        {"teacher": teacher, "tokens": tokens, "start": start, "unlabelled": unlabelled},
        {"student": student},
        metrics,
    )
