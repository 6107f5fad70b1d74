"""What was made is judged again, released, signed and published; of a finished run, or of artifacts in a store.

POTSTILL_SIGNING_KEY=release.key python -m pipelines.release --run runs/demo --set release_name=headlines
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()  # kfp takes seconds to load, and Ctrl-C may come before it has

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import HTML, ClassificationMetrics, Dataset, Markdown, Metrics, Model

from pipelines.placement import place
from pipelines.releasing import Asked, release_and_sign
from potstill.validate.component import validate


class Outputs(NamedTuple):
    """What validate measured. The bundle lies beside it, and in the store."""

    report: Dataset
    figures: Dataset
    judgement: Dataset
    page: HTML
    markdown: Markdown
    card: Markdown
    confusion: ClassificationMetrics
    validate_metrics: Metrics


@dsl.pipeline(name="potstill-release")
def release_pipeline(
    data_uri: str,
    start_uri: str,
    tokens_uri: str,
    teacher_uri: str,
    teacher_outputs_uri: str,
    student_uri: str,
    pruned_uri: str,
    model_uri: str,
    onnx_uri: str,
    package_uri: str,
    definition_uri: str,
    release_name: str,
    release_version: str = "0.1.0",
    release_override: str = "",
    release_formats: str = "",
    release_place: str = "",
    release_public_key: str = "",
    release_ca: str = "",
    release_policy: str = "",
    budgets: str = "",
    robustness_rows: int = 500,
    threads: int = 2,
) -> Outputs:
    """Judge what a run made, and make a signed release of it.

    Args:
        data_uri: The table of texts, sealed as dataset/v1.
        start_uri: The pretrained encoder, sealed as checkpoint/v1.
        tokens_uri: What tokenize made of the table; its test split judges.
        teacher_uri: What teacher-train made.
        teacher_outputs_uri: What teacher-cache made.
        student_uri: What distill made.
        pruned_uri: What prune made.
        model_uri: The last checkpoint, of qat.
        onnx_uri: What onnx-export made of it.
        package_uri: What coreml-export made of it.
        definition_uri: What the run was asked to do, sealed by `python -m pipelines.definition`.
        release_name: Name of the release, as in headlines.
        release_version: Version of the release, such as 1.2.0.
        release_override: Why it is released although it does not pass; recorded, and said first on its card.
        release_formats: Models that the release holds, comma-separated: onnx, coreml, pytorch; empty is all.
        release_place: Store to publish the bundle to, s3://bucket/prefix; empty is nowhere.
        release_public_key: Public half of the signing key, a PEM file or its text; publish verifies the bundle with it.
        release_ca: Authority of the signer's certificate, a PEM file or its text; where the signer has one.
        release_policy: What is asked of what is published, TOML of potstill verify or its file; empty: a pass.
        budgets: Budgets as YAML, such as 'max_size_mb: 7.5'; those not named stand at their defaults, null is none.
        robustness_rows: Test rows that are also asked with typing errors and the like, in each way; 0 is none.
        threads: CPU threads of validate.
    """
    data = dsl.importer(artifact_uri=data_uri, artifact_class=Dataset, reimport=False).output
    tokens = dsl.importer(artifact_uri=tokens_uri, artifact_class=Dataset, reimport=False).output
    outputs = dsl.importer(artifact_uri=teacher_outputs_uri, artifact_class=Dataset, reimport=False).output
    start = dsl.importer(artifact_uri=start_uri, artifact_class=Model, reimport=False).output
    teacher = dsl.importer(artifact_uri=teacher_uri, artifact_class=Model, reimport=False).output
    student = dsl.importer(artifact_uri=student_uri, artifact_class=Model, reimport=False).output
    pruned = dsl.importer(artifact_uri=pruned_uri, artifact_class=Model, reimport=False).output
    model = dsl.importer(artifact_uri=model_uri, artifact_class=Model, reimport=False).output
    onnx = dsl.importer(artifact_uri=onnx_uri, artifact_class=Model, reimport=False).output
    package = dsl.importer(artifact_uri=package_uri, artifact_class=Model, reimport=False).output
    judged = validate(
        tokens=tokens,
        model=model,
        onnx=onnx,
        package=package,
        teacher=teacher,
        student=student,
        pruned=pruned,
        budgets=budgets,
        robustness_rows=robustness_rows,
        threads=threads,
    )
    place(judged, "validate")
    made = {
        **{name: judged.outputs[name] for name in ("report", "judgement", "figures", "page", "card")},
        "data": data,
        "start": start,
        "tokens": tokens,
        "teacher": teacher,
        "teacher_outputs": outputs,
        "student": student,
        "pruned": pruned,
        "model": model,
        "onnx": onnx,
        "package": package,
    }
    options = {"formats": release_formats, "override": release_override}
    asked = Asked(release_name, release_version, release_place, release_public_key, release_ca, release_policy, options)
    release_and_sign(made, definition_uri, asked)
    return Outputs(
        report=judged.outputs["report"],
        figures=judged.outputs["figures"],
        judgement=judged.outputs["judgement"],
        page=judged.outputs["page"],
        markdown=judged.outputs["markdown"],
        card=judged.outputs["card"],
        confusion=judged.outputs["confusion"],
        validate_metrics=judged.outputs["metrics"],
    )


if __name__ == "__main__":
    from pipelines.command import main

    raise SystemExit(main(release_pipeline))
