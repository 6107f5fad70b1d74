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
    latency: Input[Dataset] = None,
    resume: Input[Model] = None,
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
    hidden_sparsity: float = 0.0,
    drop_layers: int = 0,
    vocabulary_min_count: int = 0,
    vocabulary_coverage: float = 0.0,
    max_unknown_rise: float = 0.005,
    trim_positions: bool = True,
    target_parameters: int = 0,
    target_megabytes: float = 0.0,
    target_megaflops: float = 0.0,
    target_latency_ms: float = 0.0,
    importance: str = "taylor",
    importance_split: str = "validation",
    importance_rows: int = 1024,
    multiple: int = 8,
    uniform: bool = False,
    rounds: int = 3,
    stop_after: int = 0,
    keep_rounds: bool = True,
    max_accuracy_drop: float = 2.0,
    confidence: float = 0.95,
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
        student: checkpoint/v1 of a BERT- or MobileBERT-shaped classifier.
        tokens: tokens/v1; train and unlabelled are recovered on, validation is the floor's and importance's.
        latency: latency/v1 of latency-table, needed for target_latency_ms.
        resume: What an earlier run of the same work wrote; its rounds are taken from it.
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
        hidden_sparsity: Share of the hidden width to remove, the same channels throughout the model.
        drop_layers: Whole layers to remove, those whose absence costs least.
        vocabulary_min_count: Drop word pieces seen less often than this outside the test split. 0: do not.
        vocabulary_coverage: Keep the commonest word pieces that cover this share of the texts, as 0.999. 0: do not.
        max_unknown_rise: Refuse a smaller vocabulary that adds more than this to the share of [UNK].
        trim_positions: Remove the position embeddings beyond the longest text of the tokens.
        target_parameters: Remove no more than brings the model down to so many parameters. 0: no such target.
        target_megabytes: The same for the float weights, in 10^6 bytes; int8 takes a quarter. 0: no such target.
        target_megaflops: The same for 10^6 operations of one text of full length. 0: no such target.
        target_latency_ms: The same for the milliseconds that the given latency table tells. 0: no such target.
        importance: What says which unit matters: taylor, movement, l1, l2 or random.
        importance_split: Split whose labelled rows importance is measured on: validation or train.
        importance_rows: How many of its rows, at most; movement trains on all labelled train rows instead.
        multiple: FFN neurons of a layer, and the hidden width, stay multiples of this, which matrix kernels like.
        uniform: Give every layer the same number of heads, and of FFN neurons.
        rounds: Rounds of cutting and recovery on the way to the target, on a cubic schedule.
        stop_after: End after this round, with the schedule of all of them. 0: run them all.
        keep_rounds: Keep the model of every round in the output, to choose another one later.
        max_accuracy_drop: The floor: points of validation accuracy that may be lost, by the bound.
        confidence: Level of the one-sided bound of what is lost.
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
        pruned: The smaller checkpoint/v1, with the models of its rounds and their curve.
        metrics: Accuracy lost and its bound, parameters, FLOPs, heads, neurons, layers, the round chosen, seconds.
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
        {"student": student, "tokens": tokens, "latency": latency, "resume": resume},
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
            "hidden_sparsity": hidden_sparsity,
            "drop_layers": drop_layers,
            "vocabulary_min_count": vocabulary_min_count,
            "vocabulary_coverage": vocabulary_coverage,
            "max_unknown_rise": max_unknown_rise,
            "trim_positions": trim_positions,
            "target_parameters": target_parameters,
            "target_megabytes": target_megabytes,
            "target_megaflops": target_megaflops,
            "target_latency_ms": target_latency_ms,
            "importance": importance,
            "importance_split": importance_split,
            "importance_rows": importance_rows,
            "multiple": multiple,
            "uniform": uniform,
            "rounds": rounds,
            "stop_after": stop_after,
            "keep_rounds": keep_rounds,
            "max_accuracy_drop": max_accuracy_drop,
            "confidence": confidence,
            "recovery_rows": recovery_rows,
            "temperature": temperature,
        },
    )
