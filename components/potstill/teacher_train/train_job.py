"""The KFP interface of teacher-train as a TrainJob."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("train-job"), install_kfp_package=False)
def teacher_train_job(
    tokens: Input[Dataset],
    start: Input[Model],
    teacher: Output[Model],
    metrics: Output[Metrics],
    epochs: int = 5,
    batch_size: int = 32,
    accumulate: int = 1,
    learning_rate: float = 0.0001,
    layer_decay: float = 1.0,
    weight_decay: float = 0.01,
    warmup_share: float = 0.1,
    max_grad_norm: float = 1.0,
    ema: float = 0.0,
    patience: int = 2,
    seed: int = 0,
    threads: int = 2,
    dtype: str = "auto",
    checkpoint_uri: str = "",
    checkpoint_seconds: float = 60.0,
    stall_seconds: float = 600.0,
    label_smoothing: float = 0.0,
    class_weights: str = "none",
    start_digest: str = "",
    nodes: int = 1,
    processes_per_node: int = 1,
    cpu: str = "2",
    memory: str = "8Gi",
    gpus: int = 0,
    deadline_seconds: int = 86400,
    image: str = "",
    runtime: str = "torch-distributed",
    service_account: str = "",
    store_secret: str = "",
    store_endpoint: str = "",
    backend: str = "kubernetes",
) -> None:
    """Run teacher-train as a Kubeflow TrainJob, in one pod or several, and hand its output on.

    Args:
        tokens: tokens/v1 with a labelled train and validation split.
        start: checkpoint/v1 of a pretrained encoder of the BERT family.
        epochs: Passes over the labelled rows, at most.
        batch_size: Rows computed at a time; times `accumulate`, the rows per optimiser step.
        accumulate: Batches per optimiser step, which is the step that one batch of them all would take.
        learning_rate: Peak learning rate of AdamW.
        layer_decay: Factor on the learning rate per layer below the top (arXiv:2006.05987); 1: all learn alike.
        weight_decay: AdamW's weight decay; biases and norms are left out.
        warmup_share: Share of all steps in which the learning rate rises; it falls linearly to 0 after.
        max_grad_norm: Gradients are scaled down to this L2 norm.
        ema: Share kept in a step by the moving average of the weights, at most (1 + n)/(10 + n) after n; 0: none.
        patience: Stop after so many epochs without a better validation score; 0: never stop early.
        seed: Seed of initial weights, row order and dropout.
        threads: CPU threads. Part of the recipe: another number gives other last bits.
        dtype: auto, float32 or bfloat16; auto is bfloat16 where the processor multiplies it natively.
        checkpoint_uri: Where the training's state is kept (file:///… or s3://…), to outlive a kill; empty: nowhere.
        checkpoint_seconds: Seconds between two checkpoints; more where saving would take over 2 % of the time.
        stall_seconds: Seconds without a step after which a training counts as stuck and is ended; 0: never.
        label_smoothing: Share of each target spread evenly over all labels (arXiv:1512.00567).
        class_weights: none, or balanced: labels count alike, however many rows each has.
        start_digest: Digest that the starting checkpoint must have; empty: any.
        nodes: Pods that train together.
        processes_per_node: Training processes in each pod; with GPUs, as many as there are GPUs.
        cpu: CPU of each pod; at least processes_per_node times threads.
        memory: Memory of each pod.
        gpus: NVIDIA GPUs of each pod.
        deadline_seconds: Seconds after which the cluster ends the job.
        image: Image of the pods; empty: the stage's own.
        runtime: TrainingRuntime that the pods are made from; node pools, tolerations and restarts are named there.
        service_account: Service account of the pods; empty: the namespace's default.
        store_secret: Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; empty: the pods have rights already.
        store_endpoint: URL of an S3 store that is not Amazon's.
        backend: kubernetes, or local-process: processes on this machine, to try a job without a cluster.

    Returns:
        teacher: The fine-tuned checkpoint/v1.
        metrics: Validation accuracy, parameters, epochs, steps, loss, share of padding, seconds.
    """
    from potstill.train_job import TrainJobConfig, run_as_job

    run_as_job(
        "teacher-train",
        lambda: TrainJobConfig(
            nodes=nodes,
            processes_per_node=processes_per_node,
            cpu=cpu,
            memory=memory,
            gpus=gpus,
            deadline_seconds=deadline_seconds,
            image=image,
            runtime=runtime,
            service_account=service_account,
            store_secret=store_secret,
            store_endpoint=store_endpoint,
            backend=backend,
        ),
        {"tokens": tokens, "start": start},
        {"teacher": teacher},
        metrics,
        {
            "epochs": epochs,
            "batch_size": batch_size,
            "accumulate": accumulate,
            "learning_rate": learning_rate,
            "layer_decay": layer_decay,
            "weight_decay": weight_decay,
            "warmup_share": warmup_share,
            "max_grad_norm": max_grad_norm,
            "ema": ema,
            "patience": patience,
            "seed": seed,
            "threads": threads,
            "dtype": dtype,
            "checkpoint_uri": checkpoint_uri,
            "checkpoint_seconds": checkpoint_seconds,
            "stall_seconds": stall_seconds,
            "label_smoothing": label_smoothing,
            "class_weights": class_weights,
            "start_digest": start_digest,
        },
    )
