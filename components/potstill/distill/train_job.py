"""The KFP interface of distill as a TrainJob."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("train-job"), install_kfp_package=False)
def distill_job(
    teacher: Input[Model],
    tokens: Input[Dataset],
    student: Output[Model],
    metrics: Output[Metrics],
    teacher_outputs: Input[Dataset] = None,
    start: Input[Model] = None,
    unlabelled: Input[Dataset] = None,
    epochs: int = 3,
    batch_size: int = 32,
    accumulate: int = 1,
    learning_rate: float = 0.0002,
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
    shape: str = "layers-of-teacher",
    layers: int = 2,
    hidden: int = 312,
    heads: int = 12,
    ffn: int = 1200,
    init: str = "auto",
    layer_map: str = "uniform",
    recipe: str = "soft",
    temperature: float = 0.0,
    soft_labels: str = "",
    hard_labels: str = "",
    cls_states: str = "",
    contrastive_cls: str = "",
    relations: str = "",
    embeddings: str = "",
    hidden_states: str = "",
    attention_scores: str = "",
    feature_maps: str = "",
    attention_distributions: str = "",
    relation_layer: int = 0,
    relation_heads: int = 0,
    general_epochs: int = 0,
    control: bool = False,
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
    """Run distill as a Kubeflow TrainJob, in one pod or several, and hand its output on.

    Args:
        teacher: checkpoint/v1, fine-tuned on the labels of the tokens.
        tokens: tokens/v1; train and unlabelled rows are learned from, validation chooses the epoch.
        teacher_outputs: teacher-outputs/v1 of this teacher on these tokens; optional: computed first without it.
        start: checkpoint/v1 of a small pretrained encoder for the student's first weights; optional.
        unlabelled: tokens/v1 whose unlabelled rows are learned from, too; optional.
        epochs: Passes over labelled and unlabelled rows, at most.
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
        shape: layers-of-teacher, tinybert-4x312, minirbt-6x256, mobilebert or custom.
        layers: Layers of a layers-of-teacher, mobilebert or custom student.
        hidden: Hidden width of a custom student.
        heads: Attention heads of a custom student.
        ffn: FFN neurons of a custom student.
        init: First weights: teacher, checkpoint, random; auto: --start if given, else the teacher's layers or random.
        layer_map: Teacher layer of each student layer: uniform, skip, first, last, or explicit as 0,3.
        recipe: soft, tinybert, minilmv2, pkd or mobilebert: sets the losses and the temperature that are not set here.
        temperature: Softens both distributions of the soft labels; 0: as the recipe says.
        soft_labels: Weight of the teacher's answers, as 1, 0.5@rise or 1@last:0.5; empty: as the recipe says.
        hard_labels: Weight of the true labels.
        cls_states: Weight of the normalised [CLS] states of the layers between; reads kept teacher outputs.
        contrastive_cls: Weight of telling rows apart by the teacher's [CLS] state; reads kept teacher outputs.
        relations: Weight of the relations among queries, keys and values of a layer; reads kept teacher outputs.
        embeddings: Weight of matching the embeddings' output; the teacher runs in each batch.
        hidden_states: Weight of matching the layers' outputs; the teacher runs in each batch.
        attention_scores: Weight of matching attention before softmax; the teacher runs in each batch.
        feature_maps: Weight of matching block outputs of equal width; the teacher runs in each batch.
        attention_distributions: Weight of matching attention after softmax; the teacher runs in each batch.
        relation_layer: Teacher layer whose relations are matched, counted from 1; 0: the last.
        relation_heads: Relation heads; 0: as many as the teacher has attention heads.
        general_epochs: Passes over the unlabelled rows before the task, with the losses that read no answers.
        control: Also train the same student for as many steps on the labels alone, and report the gain.
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
        student: The student's checkpoint/v1.
        metrics: Validation accuracy, agreement with the teacher, parameters, steps, gain over the control, seconds.
    """
    from potstill.train_job import TrainJobConfig, run_as_job

    run_as_job(
        "distill",
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
        {
            "teacher": teacher,
            "tokens": tokens,
            "teacher_outputs": teacher_outputs,
            "start": start,
            "unlabelled": unlabelled,
        },
        {"student": student},
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
            "shape": shape,
            "layers": layers,
            "hidden": hidden,
            "heads": heads,
            "ffn": ffn,
            "init": init,
            "layer_map": layer_map,
            "recipe": recipe,
            "temperature": temperature,
            "soft_labels": soft_labels,
            "hard_labels": hard_labels,
            "cls_states": cls_states,
            "contrastive_cls": contrastive_cls,
            "relations": relations,
            "embeddings": embeddings,
            "hidden_states": hidden_states,
            "attention_scores": attention_scores,
            "feature_maps": feature_maps,
            "attention_distributions": attention_distributions,
            "relation_layer": relation_layer,
            "relation_heads": relation_heads,
            "general_epochs": general_epochs,
            "control": control,
        },
    )
