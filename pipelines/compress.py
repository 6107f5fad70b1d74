"""The whole path: a table of texts and a pretrained encoder in, an audited phone-sized model out.

python -m pipelines.compress --params pipelines/params/demo.yaml            # here, without a cluster
python -m pipelines.compress --params pipelines/params/demo.yaml --docker   # here, each step in its own image
python -m pipelines.compile --out dist/                                     # for a cluster
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()  # kfp takes seconds to load, and Ctrl-C may come before it has

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import HTML, ClassificationMetrics, Dataset, Markdown, Metrics, Model

from pipelines.delivery import deliver
from pipelines.intake import take_in
from pipelines.placement import place
from pipelines.releasing import Asked, release_and_sign
from potstill.distill.component import distill
from potstill.prune.component import prune
from potstill.qat.component import qat
from potstill.teacher_cache.component import teacher_cache
from potstill.teacher_train.component import teacher_train


class Outputs(NamedTuple):
    """Everything that the run made, and what was measured on the way."""

    tokens: Dataset
    teacher: Model
    teacher_outputs: Dataset
    student: Model
    pruned: Model
    quantized: Model
    onnx: Model
    package: Model
    report: Dataset
    figures: Dataset
    judgement: Dataset
    page: HTML
    markdown: Markdown
    card: Markdown
    confusion: ClassificationMetrics
    tokenize_metrics: Metrics
    teacher_train_metrics: Metrics
    teacher_cache_metrics: Metrics
    distill_metrics: Metrics
    prune_metrics: Metrics
    qat_metrics: Metrics
    onnx_export_metrics: Metrics
    coreml_export_metrics: Metrics
    validate_metrics: Metrics


@dsl.pipeline(name="potstill-compress")
def compress(
    data_uri: str,
    start_uri: str,
    data_digest: str = "",
    start_digest: str = "",
    text_column: str = "text",
    label_column: str = "label",
    columns: str = "",
    max_length: int = 128,
    test_share: float = 0.1,
    validation_share: float = 0.1,
    labelled_rows: int = 0,
    unlabelled_rows: int = 0,
    vocabulary_min_count: int = 0,
    vocabulary_coverage: float = 0.0,
    teacher_epochs: int = 5,
    teacher_learning_rate: float = 1e-4,
    student_shape: str = "layers-of-teacher",
    student_layers: int = 2,
    layer_map: str = "uniform",
    distill_epochs: int = 3,
    distill_learning_rate: float = 2e-4,
    recipe: str = "soft",
    temperature: float = 0.0,
    hard_labels: str = "",
    general_epochs: int = 0,
    control: bool = True,
    head_sparsity: float = 0.25,
    ffn_sparsity: float = 0.5,
    drop_layers: int = 0,
    target_megabytes: float = 0.0,
    target_megaflops: float = 0.0,
    importance: str = "taylor",
    prune_rounds: int = 3,
    prune_epochs: int = 1,
    recovery_rows: int = 0,
    max_accuracy_drop: float = 2.0,
    recovery_temperature: float = 2.0,
    qat_method: str = "qat",
    qat_epochs: int = 1,
    qat_rows: int = 0,
    calibration: str = "minmax",
    smoothing: float = 0.0,
    qat_ranges: str = "ema",
    qat_max_accuracy_drop: float = 0.0,
    opset: int = 17,
    onnx_formats: str = "",
    onnx_target: str = "arm64",
    coreml_formats: str = "fp16,int8",
    coreml_target: str = "iOS16",
    coreml_length: str = "",
    budgets: str = "",
    robustness_rows: int = 500,
    seed: int = 0,
    threads: int = 2,
    dtype: str = "auto",
    checkpoint_uri: str = "",
    definition_uri: str = "",
    release_name: str = "",
    release_version: str = "0.1.0",
    release_formats: str = "",
    release_place: str = "",
    release_public_key: str = "",
    release_ca: str = "",
    release_policy: str = "",
) -> Outputs:
    """Distil a text classifier down to a phone, and prove what came of it.

    Args:
        data_uri: The table of texts: CSV, TSV, JSONL or Parquet, a file or a folder, sealed as dataset/v1 or raw.
        start_uri: The pretrained encoder, sealed as checkpoint/v1 by potstill import-checkpoint.
        data_digest: Digest that the data must have; empty for any.
        start_digest: Digest that the starting checkpoint must have; empty for any.
        text_column: Column of the texts.
        label_column: Column of the labels.
        columns: Names of the columns, comma-separated, of a table without a header.
        max_length: Tokens kept of each text, [CLS] and [SEP] included; the length of the Core ML model.
        test_share: Share of the rows that judge.
        validation_share: Share of the rest that chooses epochs and floors.
        labelled_rows: Training rows that keep their label; 0 is all.
        unlabelled_rows: Rows beyond them that are used without their label; 0 is all.
        vocabulary_min_count: Tokens seen less often are taken out of the vocabulary; 0 keeps all.
        vocabulary_coverage: Only the commonest tokens stay that are this share of the texts; 0 keeps all.
        teacher_epochs: Epochs of the teacher, at most.
        teacher_learning_rate: Peak learning rate of the teacher.
        student_shape: layers-of-teacher, tinybert-4x312, minirbt-6x256, mobilebert or custom.
        student_layers: Layers of the student.
        layer_map: Teacher layer of each student layer: uniform, skip, first, last, or explicit as 0,3.
        distill_epochs: Epochs of the student, at most.
        distill_learning_rate: Peak learning rate of the student.
        recipe: Losses of the distillation: soft, tinybert, minilmv2, pkd or mobilebert.
        temperature: Softens the soft labels of the distillation; 0 is as the recipe says.
        hard_labels: Weight of the true labels in the distillation; empty is as the recipe says.
        general_epochs: Passes over the unlabelled rows before the task, with the losses that read no answers.
        control: Also train the student on the labels alone, and report the gain of distillation.
        head_sparsity: Share of attention heads to remove.
        ffn_sparsity: Share of FFN neurons to remove.
        drop_layers: Whole layers to remove.
        target_megabytes: Remove no more than brings the float weights down to so many MB; 0 is no such target.
        target_megaflops: The same for 10^6 operations of one text; 0 is no such target.
        importance: What says which unit matters: taylor, movement, l1, l2 or random.
        prune_rounds: Rounds of cutting and recovery.
        prune_epochs: Passes over the recovery rows after each round.
        recovery_rows: Rows to recover on; 0 is all.
        max_accuracy_drop: Points of validation accuracy that pruning may lose, by a one-sided 95 % bound.
        recovery_temperature: Softens the soft labels of the recovery after pruning, and of qat.
        qat_method: How int8 scales are made: qat trains, static calibrates, dynamic leaves inputs to the phone.
        qat_epochs: Epochs of quantisation-aware training.
        qat_rows: Rows of quantisation-aware training; 0 is all.
        calibration: How rows set the ranges of inputs: minmax, percentile or entropy.
        smoothing: SmoothQuant's alpha, from 0, which is none, to 1.
        qat_ranges: What moves the ranges in training: ema or learned.
        qat_max_accuracy_drop: Points that int8 may lose, by the bound; worst linears stay float. 0 is no such floor.
        opset: ONNX operator set.
        onnx_formats: Files that onnx-export writes, comma-separated; empty is all.
        onnx_target: Processor of the ONNX int8 files: arm64, avx512_vnni or avx2.
        coreml_formats: Packages that coreml-export writes, comma-separated.
        coreml_target: Oldest system that the Core ML packages run on.
        coreml_length: Tokens of a text in the packages, as 32, or 16,32 or 3-32; empty is what the tokens were cut to.
        budgets: Budgets as YAML, such as 'max_size_mb: 7.5'; those not named stand at their defaults, null is none.
        robustness_rows: Test rows that are also asked with typing errors and the like, in each way; 0 is none.
        seed: Seed of everything random.
        threads: CPU threads of every stage; part of the recipe.
        dtype: auto, float32 or bfloat16, of teacher, student and pruning.
        checkpoint_uri: Where the trainings keep their states, file:///… or s3://…, to outlive a kill; empty is nowhere.
        definition_uri: What the run is asked to do, sealed by `python -m pipelines.definition`; a release holds it.
        release_name: Name to release what passes under, signed, as in headlines; empty is no release.
        release_version: Version of the release, such as 1.2.0.
        release_formats: Models that the release holds, comma-separated: onnx, coreml, pytorch; empty is all.
        release_place: Store to publish the bundle to, s3://bucket/prefix; empty is nowhere.
        release_public_key: Public half of the signing key, a PEM file or its text; publish verifies the bundle with it.
        release_ca: Authority of the signer's certificate, a PEM file or its text; where the signer has one.
        release_policy: What is asked of what is published, TOML of potstill verify or its file; empty: a pass.
    """
    data, start, tokenized = take_in(
        data_uri,
        start_uri,
        text_column=text_column,
        label_column=label_column,
        columns=columns,
        max_length=max_length,
        test_share=test_share,
        validation_share=validation_share,
        labelled_rows=labelled_rows,
        unlabelled_rows=unlabelled_rows,
        vocabulary_min_count=vocabulary_min_count,
        vocabulary_coverage=vocabulary_coverage,
        seed=seed,
        data_digest=data_digest,
    )
    tokens = tokenized.outputs["tokens"]
    trained = teacher_train(
        tokens=tokens,
        start=start,
        epochs=teacher_epochs,
        learning_rate=teacher_learning_rate,
        seed=seed,
        threads=threads,
        dtype=dtype,
        start_digest=start_digest,
        checkpoint_uri=checkpoint_uri,
    )
    cached = teacher_cache(teacher=trained.outputs["teacher"], tokens=tokens, keep=recipe, threads=threads, dtype=dtype)
    distilled = distill(
        teacher=trained.outputs["teacher"],
        tokens=tokens,
        teacher_outputs=cached.outputs["outputs"],
        shape=student_shape,
        layers=student_layers,
        layer_map=layer_map,
        epochs=distill_epochs,
        learning_rate=distill_learning_rate,
        recipe=recipe,
        temperature=temperature,
        hard_labels=hard_labels,
        general_epochs=general_epochs,
        control=control,
        seed=seed,
        threads=threads,
        dtype=dtype,
        checkpoint_uri=checkpoint_uri,
    )
    smaller = prune(
        student=distilled.outputs["student"],
        tokens=tokens,
        head_sparsity=head_sparsity,
        ffn_sparsity=ffn_sparsity,
        drop_layers=drop_layers,
        target_megabytes=target_megabytes,
        target_megaflops=target_megaflops,
        importance=importance,
        rounds=prune_rounds,
        epochs=prune_epochs,
        recovery_rows=recovery_rows,
        max_accuracy_drop=max_accuracy_drop,
        temperature=recovery_temperature,
        seed=seed,
        threads=threads,
        dtype=dtype,
        checkpoint_uri=checkpoint_uri,
    )
    quantized = qat(
        student=smaller.outputs["pruned"],
        tokens=tokens,
        teacher=trained.outputs["teacher"],
        method=qat_method,
        epochs=qat_epochs,
        rows=qat_rows,
        calibration=calibration,
        smoothing=smoothing,
        ranges=qat_ranges,
        max_accuracy_drop=qat_max_accuracy_drop,
        temperature=recovery_temperature,
        seed=seed,
        threads=threads,
        checkpoint_uri=checkpoint_uri,
    )
    model = quantized.outputs["quantized"]
    delivered = deliver(
        tokens,
        model,
        {"formats": onnx_formats, "opset": opset, "target": onnx_target},
        {"formats": coreml_formats, "target": coreml_target, "length": coreml_length},
        teacher=trained.outputs["teacher"],
        student=distilled.outputs["student"],
        pruned=smaller.outputs["pruned"],
        threads=threads,
        budgets=budgets,
        robustness_rows=robustness_rows,
    )
    with dsl.If(release_name != "", name="release"):
        made = {
            **delivered.outputs,
            "data": data,
            "start": start,
            "tokens": tokens,
            "teacher": trained.outputs["teacher"],
            "teacher_outputs": cached.outputs["outputs"],
            "student": distilled.outputs["student"],
            "pruned": smaller.outputs["pruned"],
            "model": model,
        }
        asked = Asked(
            release_name,
            release_version,
            release_place,
            release_public_key,
            release_ca,
            release_policy,
            {"formats": release_formats},
        )
        release_and_sign(made, definition_uri, asked).after(delivered.gated)
    place(trained, "teacher-train")
    place(cached, "teacher-cache")
    place(distilled, "distill")
    place(smaller, "prune")
    place(quantized, "qat")
    return Outputs(
        tokens=tokens,
        teacher=trained.outputs["teacher"],
        teacher_outputs=cached.outputs["outputs"],
        student=distilled.outputs["student"],
        pruned=smaller.outputs["pruned"],
        quantized=model,
        tokenize_metrics=tokenized.outputs["metrics"],
        teacher_train_metrics=trained.outputs["metrics"],
        teacher_cache_metrics=cached.outputs["metrics"],
        distill_metrics=distilled.outputs["metrics"],
        prune_metrics=smaller.outputs["metrics"],
        qat_metrics=quantized.outputs["metrics"],
        **delivered.outputs,
    )


if __name__ == "__main__":
    from pipelines.command import main

    raise SystemExit(main(compress))
