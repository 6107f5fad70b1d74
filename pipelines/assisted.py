"""Several teachers and an assistant: the longer path, for when the last points count.

python -m pipelines.assisted --params pipelines/params/assisted.yaml
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
from potstill.distill.component import distill
from potstill.teacher_cache.component import teacher_cache
from potstill.teacher_ensemble.component import teacher_ensemble
from potstill.teacher_train.component import teacher_train

FURTHER_SEEDS = [101, 102]  # of the further teachers: a loop's items are part of the compiled pipeline


class Outputs(NamedTuple):
    """Everything that the run made, and what was measured on the way."""

    tokens: Dataset
    teacher: Model
    teacher_outputs: Dataset
    assistant: Model
    student: Model
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
    teacher_ensemble_metrics: Metrics
    distill_metrics: Metrics
    onnx_export_metrics: Metrics
    coreml_export_metrics: Metrics
    validate_metrics: Metrics


@dsl.pipeline(name="potstill-assisted")
def assisted(
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
    weighting: str = "average",
    assistant_layers: int = 3,
    assistant_layer_map: str = "uniform",
    student_layers: int = 2,
    layer_map: str = "uniform",
    distill_epochs: int = 3,
    distill_learning_rate: float = 2e-4,
    temperature: float = 0.0,
    control: bool = True,
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
) -> Outputs:
    """Distil three teachers into an assistant, and the assistant into the student that is exported and judged.

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
        validation_share: Share of the rest that chooses epochs and weighs teachers.
        labelled_rows: Training rows that keep their label; 0 is all.
        unlabelled_rows: Rows beyond them that are used without their label; 0 is all.
        vocabulary_min_count: Tokens seen less often are taken out of the vocabulary; 0 keeps all.
        vocabulary_coverage: Only the commonest tokens stay that are this share of the texts; 0 keeps all.
        teacher_epochs: Epochs of each teacher, at most.
        teacher_learning_rate: Peak learning rate of the teachers.
        weighting: Weights of the teachers, average or by validation.
        assistant_layers: Layers of the assistant, taken from the first teacher.
        assistant_layer_map: The assistant's layers of the teacher: uniform, skip, first, last, or explicit as 0,1,3.
        student_layers: Layers of the student, taken from the assistant.
        layer_map: The student's layers of the assistant: uniform, skip, first, last, or explicit as 0,2.
        distill_epochs: Epochs of the assistant, and of the student, at most.
        distill_learning_rate: Peak learning rate of both.
        temperature: Softens the soft labels of both; 0 is as the recipe says.
        control: Also train the student on the labels alone, and report the gain of distillation.
        opset: ONNX operator set.
        onnx_formats: Files that onnx-export writes, comma-separated; empty is all.
        onnx_target: Processor of the ONNX int8 files: arm64, avx512_vnni or avx2.
        coreml_formats: Packages that coreml-export writes, comma-separated.
        coreml_target: Oldest system that the Core ML packages run on.
        coreml_length: Tokens of a text in the packages, as 32, or 16,32 or 3-32; empty is what the tokens were cut to.
        budgets: Budgets as YAML, such as 'max_size_mb: 7.5'; those not named stand at their defaults, null is none.
        robustness_rows: Test rows that are also asked with typing errors and the like, in each way; 0 is none.
        seed: Seed of the split, of the first teacher, the assistant and the student.
        threads: CPU threads. Part of the recipe.
        dtype: auto, float32 or bfloat16.
        checkpoint_uri: Where the trainings keep their states, file:///… or s3://…, to outlive a kill; empty is nowhere.
    """
    _, start, tokenized = take_in(
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
    tokens, exactly = tokenized.outputs["tokens"], {"threads": threads, "dtype": dtype}
    training = {
        "epochs": teacher_epochs,
        "learning_rate": teacher_learning_rate,
        "start_digest": start_digest,
        "checkpoint_uri": checkpoint_uri,
    }

    first = teacher_train(tokens=tokens, start=start, seed=seed, **training, **exactly)
    answered = teacher_cache(teacher=first.outputs["teacher"], tokens=tokens, **exactly)
    with dsl.ParallelFor(FURTHER_SEEDS, parallelism=1) as further_seed:
        further = teacher_train(tokens=tokens, start=start, seed=further_seed, **training, **exactly)
        answers = teacher_cache(teacher=further.outputs["teacher"], tokens=tokens, **exactly)
        place(further, "teacher-train")
        place(answers, "teacher-cache")
    together = teacher_ensemble(
        members=dsl.Collected(answers.outputs["outputs"]),
        first=answered.outputs["outputs"],
        tokens=tokens,
        weighting=weighting,
    )

    learning = {
        "epochs": distill_epochs,
        "learning_rate": distill_learning_rate,
        "temperature": temperature,
        "seed": seed,
        "checkpoint_uri": checkpoint_uri,
    }
    helped = distill(
        teacher=first.outputs["teacher"],
        tokens=tokens,
        teacher_outputs=together.outputs["outputs"],
        layers=assistant_layers,
        layer_map=assistant_layer_map,
        **learning,
        **exactly,
    )
    distilled = distill(
        teacher=helped.outputs["student"],
        tokens=tokens,
        layers=student_layers,
        layer_map=layer_map,
        control=control,
        **learning,
        **exactly,
    )
    student = distilled.outputs["student"]
    delivered = deliver(
        tokens,
        student,
        {"formats": onnx_formats, "opset": opset, "target": onnx_target},
        {"formats": coreml_formats, "target": coreml_target, "length": coreml_length},
        teacher=first.outputs["teacher"],
        student=student,
        threads=threads,
        budgets=budgets,
        robustness_rows=robustness_rows,
    )
    for task, stage in (
        (first, "teacher-train"),
        (answered, "teacher-cache"),
        (together, "teacher-ensemble"),
        (helped, "distill"),
        (distilled, "distill"),
    ):
        place(task, stage)
    return Outputs(
        tokens=tokens,
        teacher=first.outputs["teacher"],
        teacher_outputs=together.outputs["outputs"],
        assistant=helped.outputs["student"],
        student=student,
        tokenize_metrics=tokenized.outputs["metrics"],
        teacher_train_metrics=first.outputs["metrics"],
        teacher_ensemble_metrics=together.outputs["metrics"],
        distill_metrics=distilled.outputs["metrics"],
        **delivered.outputs,
    )


if __name__ == "__main__":
    from pipelines.command import main

    raise SystemExit(main(assisted))
