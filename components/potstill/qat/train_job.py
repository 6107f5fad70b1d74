"""The KFP interface of qat as a TrainJob."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("train-job"), install_kfp_package=False)
def qat_job(
    student: Input[Model],
    tokens: Input[Dataset],
    quantized: Output[Model],
    metrics: Output[Metrics],
    teacher: Input[Model] = None,
    epochs: int = 1,
    batch_size: int = 64,
    accumulate: int = 1,
    learning_rate: float = 5e-05,
    layer_decay: float = 1.0,
    weight_decay: float = 0.01,
    warmup_share: float = 0.1,
    max_grad_norm: float = 1.0,
    ema: float = 0.0,
    patience: int = 2,
    seed: int = 0,
    threads: int = 2,
    dtype: str = "float32",
    checkpoint_uri: str = "",
    checkpoint_seconds: float = 60.0,
    stall_seconds: float = 600.0,
    rows: int = 0,
    temperature: float = 2.0,
    method: str = "qat",
    calibration: str = "minmax",
    calibration_rows: int = 512,
    percentile: float = 99.99,
    smoothing: float = 0.0,
    ranges: str = "ema",
    freeze_share: float = 0.3,
    max_accuracy_drop: float = 0.0,
    confidence: float = 0.95,
    sensitivity_rows: int = 256,
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
    """Run qat as a Kubeflow TrainJob, in one pod or several, and hand its output on.

    Args:
        student: checkpoint/v1 of a float classifier.
        tokens: tokens/v1; train and unlabelled are trained on, validation chooses the epoch.
        teacher: checkpoint/v1 to distil from; without it the float model itself.
        epochs: Passes over the rows.
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
        dtype: auto, float32 or bfloat16; bfloat16 blurs the int8 grid that is trained for.
        checkpoint_uri: Where the training's state is kept (file:///… or s3://…), to outlive a kill; empty: nowhere.
        checkpoint_seconds: Seconds between two checkpoints; more where saving would take over 2 % of the time.
        stall_seconds: Seconds without a step after which a training counts as stuck and is ended; 0: never.
        rows: Rows (labelled and unlabelled) to train on; 0: all.
        temperature: Softens both distributions in the distillation.
        method: qat: train; static: calibrate ranges only; dynamic: inputs are quantised as they come.
        calibration: How rows set the ranges of inputs, which qat begins with: minmax, percentile or entropy.
        calibration_rows: Rows that set them.
        percentile: Share of an input's values, in percent, that calibration percentile leaves unclipped.
        smoothing: SmoothQuant's alpha: how far outlier channels move from the inputs into the weights; 0: not at all.
        ranges: What moves the ranges in training: ema of each batch's extremes, or learned with the weights (LSQ).
        freeze_share: Last share of the steps in which ranges stand still.
        max_accuracy_drop: The floor: points of validation accuracy that may be lost, by the bound; 0: none, all int8.
        confidence: Level of the one-sided bound of what is lost.
        sensitivity_rows: Validation rows on which the cost of each linear is measured, at most, when there is a floor.
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
        quantized: The checkpoint/v1 with int8 scales.
        metrics: Validation accuracy as float, after calibration and after training, steps, seconds.
    """
    from potstill.train_job import TrainJobConfig, run_as_job

    run_as_job(
        "qat",
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
        {"student": student, "tokens": tokens, "teacher": teacher},
        {"quantized": quantized},
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
            "rows": rows,
            "temperature": temperature,
            "method": method,
            "calibration": calibration,
            "calibration_rows": calibration_rows,
            "percentile": percentile,
            "smoothing": smoothing,
            "ranges": ranges,
            "freeze_share": freeze_share,
            "max_accuracy_drop": max_accuracy_drop,
            "confidence": confidence,
            "sensitivity_rows": sensitivity_rows,
        },
    )
