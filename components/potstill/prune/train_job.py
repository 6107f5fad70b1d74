"""The KFP interface of prune as a TrainJob."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("train-job"), install_kfp_package=False)
def prune_job(
    student: Input[Model],
    tokens: Input[Dataset],
    pruned: Output[Model],
    metrics: Output[Metrics],
    epochs: int = 1,
    batch_size: int = 64,
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
    head_sparsity: float = 0.25,
    ffn_sparsity: float = 0.5,
    rounds: int = 3,
    max_accuracy_drop: float = 2.0,
    multiple: int = 8,
    importance_rows: int = 1024,
    recovery_rows: int = 0,
    temperature: float = 2.0,
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
    """Run prune as a Kubeflow TrainJob, in one pod or several, and hand its output on.

    Args:
        student: checkpoint/v1 of a BERT-shaped classifier.
        tokens: tokens/v1; train gives importance, train and unlabelled recovery, validation the floor.
        epochs: Passes over the recovery rows after each round.
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
        head_sparsity: Share of all attention heads to remove; each layer keeps at least one.
        ffn_sparsity: Share of all FFN neurons to remove.
        rounds: Rounds of cutting and recovery on the way to the target, on a cubic schedule.
        max_accuracy_drop: The floor: points of validation accuracy that may be lost; a round that loses more is undone.
        multiple: FFN neurons of each layer are rounded to a multiple of this, which matrix kernels like.
        importance_rows: Labelled rows on which importance is measured.
        recovery_rows: Rows (labelled and unlabelled) to recover on; 0: all.
        temperature: Softens both distributions in the recovery's distillation.
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
        pruned: The smaller checkpoint/v1.
        metrics: Validation accuracy and parameters before and after, heads, neurons, rounds kept, seconds.
    """
    from potstill.train_job import TrainJobConfig, run_as_job

    run_as_job(
        "prune",
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
        {"student": student, "tokens": tokens},
        {"pruned": pruned},
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
            "head_sparsity": head_sparsity,
            "ffn_sparsity": ffn_sparsity,
            "rounds": rounds,
            "max_accuracy_drop": max_accuracy_drop,
            "multiple": multiple,
            "importance_rows": importance_rows,
            "recovery_rows": recovery_rows,
            "temperature": temperature,
        },
    )
